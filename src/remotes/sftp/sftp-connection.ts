/** Implements the contract of a remote connection on one SFTP session. */
import { CopyError } from '../../errors.ts';
import { HOME, isAbsolute } from '../../util/byte-path.ts';
import type {
  Abilities,
  Attributes,
  CopiedStage,
  Digester,
  DigestMethod,
  DirectoryEntry,
  DrawnStage,
  FinalAttributes,
  FoundStage,
  NewAttributes,
  Published,
  PublishOptions,
  RemoteConnection,
  RemoteFile,
  Seal,
  Situation,
  Staged,
  StagedWhole,
  StageToken,
  WholeFile,
} from '../remote.ts';
import { removalRefusal } from './aside-files.ts';
import { ExtensionName } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { DefaultModes } from './default-modes.ts';
import { openDigester } from './digests/open-digester.ts';
import type { DigestConnection } from './digests/path-digester.ts';
import { batchesOf } from './directory-listing.ts';
import type { FlowMemory } from './flow-memory.ts';
import { FlowWindow } from './flow-window.ts';
import { lookThrough } from './looks.ts';
import { makeDirectory } from './make-directory.ts';
import { publish } from './publish.ts';
import { readLink } from './read-link.ts';
import { readWhole } from './read-whole.ts';
import { SftpRemoteFile } from './remote-file.ts';
import type { SftpSession } from './session.ts';
import { setAttributes } from './set-attributes.ts';
import { toAttributes, toCodedError, withCodedErrors } from './sftp-files.ts';
import { examine } from './situation.ts';
import type { ExecChannel } from './ssh/ssh-connection.ts';
import type { FlowWindows } from './staged-file.ts';
import { fromStageToken, stagedPath } from './staged-token.ts';
import { Stages } from './stages.ts';

/** Ranges can be cut anywhere; a shorter one would not be worth its messages. */
const SMALLEST_CUT = 64 * 1024;

/** One memory for each direction, because a line may have different rates. */
export interface FlowMemories {
  readonly writing: FlowMemory;
  readonly reading: FlowMemory;
}

export interface SftpConnectionOptions {
  /** How the SSH software of the server names itself. */
  readonly software: string;
  /** How many requests may be in flight. */
  readonly inFlight: number | 'auto';
  /** How long a connection may be silent. Default: 30,000. */
  readonly stallTimeoutMs?: number;
  /** The measurements that the connections to the server share. Default: the connection has its own. */
  readonly memories?: FlowMemories;
  /** Runs a command on the server: see `SshConnection.exec`. Absent where there is no SSH. */
  readonly exec?: (command: string) => Promise<ExecChannel>;
  /** The default modes that the connections of a run share. Default: the connection has its own. */
  readonly defaultModes?: DefaultModes;
  /** Closes the SSH connection. */
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
  /**
   * Whether it is the server of OpenSSH or mod_sftp. Both execute requests in the order in which they are sent, and do
   * not change a file that is opened for writing and closed again.
   */
  readonly #isInOrder: boolean;
  readonly #stages: Stages;
  /** Whether the server refused to remove the file of an earlier trial. */
  #leavesTrials = false;

  constructor(session: SftpSession, closed: Promise<CopyError | undefined>, options: SftpConnectionOptions) {
    this.#session = session;
    this.#exec = options.exec ?? runsNone;
    this.#close = options.close;
    this.closed = closed;
    this.description = options.software;
    this.#isOpenSsh = isOpenSsh(options.software, session);
    // This recognises the server of OpenSSH also where some of its requests are disabled.
    const isOwnOfOpenSsh = options.software.startsWith('OpenSSH') && session.offers(ExtensionName.lsetstat);
    this.#isInOrder = isOwnOfOpenSsh || options.software.startsWith('mod_sftp');
    const { inFlight: requests, stallTimeoutMs, memories } = options;
    const shared = { requests, stallTimeoutMs };
    this.#windows = {
      writing: new FlowWindow({ ...shared, maxRequest: session.limits.maxWriteLength, memory: memories?.writing }),
      reading: new FlowWindow({ ...shared, maxRequest: session.limits.maxReadLength, memory: memories?.reading }),
    };
    this.abilities = {
      pieceSize: { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER },
      smallestCut: SMALLEST_CUT,
      writers: this.#isOpenSsh ? 'many' : 'unknown',
      durable: session.offers(ExtensionName.fsync) ? 'synced' : 'unknown',
    };
    this.#stages = new Stages({
      isInOrder: this.#isInOrder,
      connection: this.beneath,
      windows: this.#windows,
      reportsShortWrites: this.#isOpenSsh,
      defaultModes: options.defaultModes ?? new DefaultModes(),
    });
  }

  /**
   * The session and the commands below this connection, for purposes other than copying, such as installing the helper.
   */
  get beneath(): DigestConnection {
    return { session: this.#session, closed: this.closed, exec: this.#exec };
  }

  async ping(): Promise<void> {
    try {
      await this.#session.lstat(HOME);
    } catch (error) {
      if (!(error instanceof SftpStatusError)) throw CopyError.from(error);
    }
  }

  async stat(path: Uint8Array): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookThrough(this.#session, path), { operation: 'stat', path });
    if (look.isTold) return look.at;
    throw toCodedError(look.refusal, { operation: 'stat', path });
  }

  async lstat(path: Uint8Array): Promise<Attributes | undefined> {
    const found = await withCodedErrors(this.#session.lstat(path), { operation: 'stat', path });
    return found && toAttributes(found);
  }

  realPath(path: Uint8Array): Promise<Uint8Array> {
    return withCodedErrors(this.#session.realPath(path), { operation: 'resolve', path });
  }

  makeDirectory(path: Uint8Array, mode?: number): Promise<void> {
    return makeDirectory(this.#session, path, mode);
  }

  readLink(path: Uint8Array): Promise<Uint8Array> {
    return readLink(this.#session, path, this.description.startsWith('mod_sftp'));
  }

  makeLink(path: Uint8Array, text: Uint8Array): Promise<void> {
    return withCodedErrors(this.#session.symlink(text, path), { operation: 'make link', path });
  }

  list(path: Uint8Array): AsyncIterable<readonly DirectoryEntry[]> {
    return batchesOf(this.#session, path, this.#isInOrder);
  }

  async remove(path: Uint8Array): Promise<void> {
    const context = { operation: 'remove', path } as const;
    const refusal = await withCodedErrors(removalRefusal(this.#session, path), context);
    if (refusal !== undefined) throw toCodedError(refusal, context);
  }

  setAttributes(path: Uint8Array, attributes: NewAttributes): Promise<void> {
    return setAttributes(this.#session, path, attributes);
  }

  open(path: Uint8Array): Promise<RemoteFile> {
    return SftpRemoteFile.open(this.#session, this.#windows.reading, path);
  }

  readWhole(path: Uint8Array, size: number): Promise<WholeFile> {
    return readWhole(this.#session, this.#windows.reading, { path, size, isInOrder: this.#isInOrder });
  }

  stage(target: Uint8Array, how: 'new' | 'in-place', size: number = 0): Promise<Staged> {
    return how === 'in-place' ? this.#stages.openInPlace(target) : this.#stages.createNew(target, size);
  }

  stageWhole(
    target: Uint8Array,
    bytes: Uint8Array,
    final: FinalAttributes & { readonly syncs: boolean },
  ): Promise<StagedWhole> {
    return this.#stages.stageWhole(target, bytes, final);
  }

  findStaged(target: Uint8Array): Promise<readonly FoundStage[]> {
    return this.#stages.find(target);
  }

  lookAt(token: StageToken): Promise<Attributes | undefined> {
    return this.#stages.lookAt(token);
  }

  reopen(token: StageToken): Promise<Staged | undefined> {
    return this.#stages.reopen(token);
  }

  drawStage(target: Uint8Array): DrawnStage {
    return this.#stages.draw(target);
  }

  copyStaged(from: StageToken | Uint8Array, copy: StageToken, signal: AbortSignal): Promise<CopiedStage | undefined> {
    return this.#stages.copy(from, copy, signal);
  }

  freeSpace(token: StageToken): Promise<number | undefined> {
    return this.#stages.freeSpace(token);
  }

  discard(token: StageToken): Promise<boolean> {
    return this.#stages.discard(token);
  }

  join(token: StageToken): Promise<Staged> {
    return this.#stages.join(token);
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

  /** The absolute path of a file. Its last name is kept, even if it is that of a link. */
  async #absolutePath(of: StageToken | Uint8Array): Promise<Buffer> {
    const path = of instanceof Uint8Array ? Buffer.from(of) : stagedPath(fromStageToken(of));
    if (isAbsolute(path)) return path;
    const slash = path.lastIndexOf('/');
    const directory = await this.realPath(slash < 0 ? HOME : path.subarray(0, slash));
    return Buffer.concat([directory, Buffer.from('/'), path.subarray(slash + 1)]);
  }

  publish(token: StageToken, seal: Seal, options: PublishOptions = {}): Promise<Published> {
    return publish(this.#session, fromStageToken(token), seal, options);
  }

  async examine(target: Uint8Array, staged: StageToken | undefined, mayTry: boolean): Promise<Situation> {
    const partial = staged && fromStageToken(staged).partial;
    const opensHarmlessly = this.#isInOrder;
    const examined = { target, partial, mayTry: mayTry && !this.#leavesTrials, opensHarmlessly };
    const situation = await examine(this.#session, examined);
    // There must not be more than one trial file that cannot be removed.
    this.#leavesTrials ||= situation.trial?.removes === false;
    return situation;
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#close()]);
  }
}

async function runsNone(): Promise<never> {
  throw new CopyError('unsupported', 'No commands can be run on this connection.');
}

/**
 * Whether the SFTP server is that of OpenSSH. Another SFTP server behind OpenSSH's sshd lacks some of these extensions,
 * and proftpd, which can be configured to call itself OpenSSH, lacks the last one. OpenSSH has that since 8.0; older
 * versions are treated like other servers.
 */
function isOpenSsh(software: string, session: SftpSession): boolean {
  const own = [ExtensionName.posixRename, ExtensionName.statVfs, ExtensionName.fsync, ExtensionName.lsetstat];
  return software.startsWith('OpenSSH') && own.every((name) => session.offers(name));
}
