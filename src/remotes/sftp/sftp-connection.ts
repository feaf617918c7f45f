/** The contract on one SFTP session. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type {
  Abilities,
  Attributes,
  Digester,
  DigestMethod,
  Published,
  RemoteConnection,
  RemoteFile,
  Seal,
  Situation,
  Staged,
  StageToken,
} from '../remote.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { createPartial } from './create-partial.ts';
import { DefaultModes } from './default-modes.ts';
import { openDigester } from './digests/open-digester.ts';
import type { DigestConnection } from './digests/path-digester.ts';
import type { FlowMemory } from './flow-memory.ts';
import { FlowWindow } from './flow-window.ts';
import { lookThrough } from './looks.ts';
import { partialPath, randomPartialPath } from './partial-name.ts';
import { publish } from './publish.ts';
import { SftpRemoteFile } from './remote-file.ts';
import type { SftpSession } from './session.ts';
import { asked, coded, toAttributes } from './sftp-files.ts';
import { examine } from './situation.ts';
import type { ExecChannel } from './ssh/ssh-connection.ts';
import { type FlowWindows, mayOthersWrite, StagedFile } from './staged-file.ts';
import { fromStageToken, newStagedToken, type StagedToken, stagedPath, toStageToken } from './staged-token.ts';

/** Bytes: less is sent within a few seconds, and then a refused rename costs no more. */
const TRIES_RENAME_FROM = 256 * 1024;
/** Between two looks at what somebody may still be writing. */
const LOOK_AGAIN_MS = 3000;
const SLASH = 0x2f;

/** One each way, as a line may differ by direction. */
export interface FlowMemories {
  readonly writing: FlowMemory;
  readonly reading: FlowMemory;
}

export interface SftpConnectionOptions {
  /** How the server's SSH names itself. */
  readonly software: string;
  /** Requests in flight. */
  readonly inFlight: number | 'auto';
  /** What the connections to the server know of the line together; nothing unless set. */
  readonly memories?: FlowMemories;
  /** Runs a command on the server: see `SshConnection.exec`. Absent where there is no SSH. */
  readonly exec?: (command: string) => Promise<ExecChannel>;
  /** Of the run; a connection that is alone has its own. */
  readonly defaultModes?: DefaultModes;
  /** Hangs up. */
  readonly close: () => Promise<void>;
}

export class SftpConnection implements RemoteConnection {
  readonly abilities: Abilities;
  readonly description: string;
  readonly closed: Promise<CopyError | undefined>;
  readonly #session: SftpSession;
  readonly #windows: FlowWindows;
  readonly #exec: (command: string) => Promise<ExecChannel>;
  readonly #close: () => Promise<void>;
  readonly #isOpenSsh: boolean;
  /** Whether the server is known to leave a file as it is that is opened for writing and closed again. */
  readonly #opensHarmlessly: boolean;
  readonly #defaultModes: DefaultModes;
  /** Whether the server did not let a file be removed that was created to find out what it allows. */
  #leavesTrials = false;

  constructor(session: SftpSession, closed: Promise<CopyError | undefined>, options: SftpConnectionOptions) {
    this.#session = session;
    this.#exec = options.exec ?? runsNone;
    this.#close = options.close;
    this.#defaultModes = options.defaultModes ?? new DefaultModes();
    this.closed = closed;
    this.description = options.software;
    this.#isOpenSsh = isOpenSsh(options.software, session);
    // OpenSSH's own server also where some of its requests are not allowed.
    const isOwnOfOpenSsh = options.software.startsWith('OpenSSH') && session.offers(ExtensionName.lsetstat);
    this.#opensHarmlessly = isOwnOfOpenSsh || options.software.startsWith('mod_sftp');
    const { inFlight: requests, memories } = options;
    this.#windows = {
      writing: new FlowWindow({ maxRequest: session.limits.maxWriteLength, requests, memory: memories?.writing }),
      reading: new FlowWindow({ maxRequest: session.limits.maxReadLength, requests, memory: memories?.reading }),
    };
    this.abilities = {
      pieceSize: { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER },
      writers: this.#isOpenSsh ? 'many' : 'unknown',
    };
  }

  /** What the contract stands on: for what is no copy, such as installing the helper. */
  get beneath(): DigestConnection {
    return { session: this.#session, closed: this.closed, exec: this.#exec };
  }

  async stat(path: Uint8Array): Promise<Attributes | undefined> {
    const look = await asked(lookThrough(this.#session, path), { operation: 'stat', path });
    if (look.isTold) return look.at;
    throw coded(look.refusal, { operation: 'stat', path });
  }

  async lstat(path: Uint8Array): Promise<Attributes | undefined> {
    const found = await asked(this.#session.lstat(path), { operation: 'stat', path });
    return found && toAttributes(found);
  }

  realPath(path: Uint8Array): Promise<Uint8Array> {
    return asked(this.#session.realPath(path), { operation: 'resolve', path });
  }

  makeDirectory(path: Uint8Array): Promise<void> {
    return asked(this.#session.makeDirectory(path), { operation: 'make directory', path });
  }

  open(path: Uint8Array): Promise<RemoteFile> {
    return SftpRemoteFile.open(this.#session, this.#windows.reading, path);
  }

  async stage(target: Uint8Array, how: 'fresh' | 'anew' | 'in-place', size: number = 0): Promise<Staged> {
    return how === 'in-place' ? this.#stageInPlace(target) : this.#stageFresh(target, how === 'anew', size);
  }

  async findStaged(target: Uint8Array): Promise<StageToken | undefined> {
    const partial = partialPath(target);
    return (await unlessRefused(this.lstat(partial))) && toStageToken(newStagedToken(target, partial));
  }

  async reopen(token: StageToken, looks: number): Promise<Staged | undefined> {
    const { target, partial, hasServerMode } = fromStageToken(token);
    const before = partial && (await unlessRefused(this.lstat(partial)));
    if (partial === undefined || before === undefined || !isOursAlone(before, hasServerMode)) return undefined;
    const found = looks === 0 ? before : await this.#atRest(partial, before, looks);
    if (!isOursAlone(found, hasServerMode)) return undefined;
    const handle = await this.#session.open(partial, OpenFlag.write).catch((error: unknown) => {
      // One that may only be read, as one that was sealed, is of no use.
      if (error instanceof SftpStatusError) return undefined;
      throw error;
    });
    if (handle === undefined) return undefined;
    const staged = this.#staged(newStagedToken(target, partial, hasServerMode), handle, found);
    // What is open is what was looked at: between the two somebody could have put a link there.
    const opened = await staged.look();
    if (opened?.kind === 'file' && opened.size >= found.size && isOursAlone(opened, hasServerMode)) return staged;
    await staged.close();
    return undefined;
  }

  async discard(token: StageToken): Promise<void> {
    const { partial } = fromStageToken(token);
    if (partial !== undefined) await this.#isRemoved(partial, true);
  }

  async join(token: StageToken): Promise<Staged> {
    const staged = fromStageToken(token);
    const path = stagedPath(staged);
    // Asked together, in this order: what is told is how it was before it was opened.
    const [found, opened] = await Promise.allSettled([
      lookThrough(this.#session, path),
      this.#session.open(path, OpenFlag.write),
    ]);
    if (opened.status === 'rejected') throw joinError(opened.reason, path);
    if (found.status === 'rejected') throw coded(found.reason, { operation: 'stat', path });
    return this.#staged(staged, opened.value, found.value.isTold ? found.value.at : undefined);
  }

  async digester(method: DigestMethod): Promise<Digester> {
    const byPath = await openDigester(method, this.beneath);
    const { algorithms, maxRangeLength } = byPath;
    return {
      method,
      algorithms,
      maxRangeLength,
      digests: async (of, ranges, algorithm) => byPath.digests(await this.#absolutePath(of), ranges, algorithm),
      close: () => byPath.close(),
    };
  }

  /** Of a file, whose last name may be that of a link. */
  async #absolutePath(of: StageToken | Uint8Array): Promise<Buffer> {
    const path = of instanceof Uint8Array ? Buffer.from(of) : stagedPath(fromStageToken(of));
    if (path[0] === SLASH) return path;
    const slash = path.lastIndexOf('/');
    const directory = await this.realPath(slash < 0 ? Buffer.from('.') : path.subarray(0, slash));
    return Buffer.concat([directory, Buffer.from('/'), path.subarray(slash + 1)]);
  }

  publish(token: StageToken, seal: Seal, again = false): Promise<Published> {
    return publish(this.#session, fromStageToken(token), seal, again);
  }

  async examine(target: Uint8Array, staged: StageToken | undefined, tries: boolean): Promise<Situation> {
    const partial = staged && fromStageToken(staged).partial;
    const mayTry = tries && !this.#leavesTrials;
    const opensHarmlessly = this.#opensHarmlessly;
    const situation = await examine(this.#session, { target, partial, tries: mayTry, opensHarmlessly });
    // One file that nobody can remove is enough.
    this.#leavesTrials ||= situation.trial?.removes === false;
    return situation;
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#close()]);
  }

  async #stageFresh(target: Uint8Array, isOurs: boolean, size: number): Promise<Staged> {
    const usual = partialPath(target);
    try {
      return await this.#create(target, usual, size);
    } catch (error) {
      if (CopyError.from(error).scope !== 'file' || CopyError.from(error).code === 'rename-refused') throw error;
      if (await this.#isRemoved(usual, isOurs)) return this.#create(target, usual, size);
      // Where nothing is to be seen the name may be taken: proftpd's HiddenStores hides what a lost session has begun.
      return this.#create(target, randomPartialPath(target), size).catch((second: unknown) => {
        throw CopyError.from(second).code === 'rename-refused' ? second : error;
      });
    }
  }

  async #create(target: Uint8Array, partial: Buffer, size: number): Promise<Staged> {
    const names = [partial];
    try {
      const { path, handle, hasServerMode, warnings } = await createPartial(this.#session, {
        target: Buffer.from(target),
        newPath: () => names.shift() ?? randomPartialPath(target),
        triesRename: size >= TRIES_RENAME_FROM,
      });
      return this.#staged(newStagedToken(target, path, hasServerMode), handle, undefined, warnings);
    } catch (error) {
      throw coded(error, { operation: 'open', path: partial });
    }
  }

  /** Whether what an earlier run left at the path of the partial could be removed; only a plain file is. */
  async #isRemoved(partial: Buffer, isOurs: boolean): Promise<boolean> {
    const found = await unlessRefused(this.lstat(partial));
    if (found?.kind !== 'file') return false;
    if (!isOurs) await this.#atRest(partial, found, 1);
    try {
      await this.#session.remove(partial);
      return true;
    } catch (error) {
      if (error instanceof SftpStatusError) return false;
      throw error;
    }
  }

  /**
   * How it looks when nobody writes it any more, or did when it vanished; at most so many looks.
   * @throws CopyError `target-busy`: another machine is at work on it, whose lock nobody here sees.
   */
  async #atRest(partial: Buffer, before: Attributes, looks: number): Promise<Attributes> {
    let last = before;
    for (let look = 0; look < looks; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      const now = await unlessRefused(this.lstat(partial));
      if (now === undefined || (now.size === last.size && now.mtimeMs === last.mtimeMs)) return now ?? last;
      last = now;
    }
    throw new CopyError('target-busy', `Somebody else writes ${cleanText(partial)}; another run may be at work.`);
  }

  async #stageInPlace(target: Uint8Array): Promise<Staged> {
    const look = await asked(lookThrough(this.#session, target), { operation: 'stat', path: target });
    // Of an old file that nobody may look at, nobody could tell later what is beyond the end of the new one.
    const flags = OpenFlag.write | OpenFlag.create | (look.isTold ? 0 : OpenFlag.truncate);
    const handle = await asked(this.#session.open(target, flags), { operation: 'open', path: target });
    return this.#staged(newStagedToken(target, undefined), handle, look.isTold ? look.at : undefined);
  }

  #staged(
    token: StagedToken,
    handle: Uint8Array,
    found: Attributes | undefined,
    warnings: readonly string[] = [],
  ): StagedFile {
    const more = { defaultModes: this.#defaultModes, warnings };
    return new StagedFile(this.#session, this.#windows, token, handle, found, this.#isOpenSsh, more);
  }
}

async function runsNone(): Promise<never> {
  throw new CopyError('unsupported', 'No commands can be run on this connection.');
}

/**
 * Its own sftp-server, that is: another one behind OpenSSH's sshd lacks some of these, and proftpd, which can be told to
 * call itself OpenSSH, lacks the last (OpenSSH has it since 8.0; older ones are probed).
 */
function isOpenSsh(software: string, session: SftpSession): boolean {
  const own = [ExtensionName.posixRename, ExtensionName.statVfs, ExtensionName.fsync, ExtensionName.lsetstat];
  return software.startsWith('OpenSSH') && own.every((name) => session.offers(name));
}

/** Undefined where the server does not let anybody look, too. */
async function unlessRefused<T>(look: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (CopyError.from(error).scope === 'file') return undefined;
    throw error;
  }
}

/** Nobody else may have put anything into it, unless the server let no mode be set. */
function isOursAlone({ kind, mode = 0o600 }: Attributes, hasServerMode: boolean = false): boolean {
  return kind === 'file' && (hasServerMode || !mayOthersWrite(mode));
}

function joinError(error: unknown, path: Buffer): CopyError {
  if (!(error instanceof SftpStatusError)) return CopyError.from(error);
  const what = error.isMissing
    ? `A second connection does not see ${cleanText(path)}`
    : `A second connection may not write (${error.text || error.status})`;
  return new CopyError('single-writer', `${what}.`, { cause: error });
}
