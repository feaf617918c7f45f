/**
 * Creates, finds, reopens, copies and removes staged files on one connection.
 *
 * A partial file is created exclusively, under a name that is never used again, and is used only if it is a plain file
 * into which nobody else may write.
 */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { newPartialPath, partialNameFits, splitPath } from '../../util/partial-name.ts';
import type { Attributes, CopiedStage, DrawnStage, FoundStage, StagedWhole, StageToken } from '../remote.ts';
import { removalRefusal } from './aside-files.ts';
import { ExtensionName, OpenFlag, StatusCode } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { CopyingConnection } from './copies/copy-method.ts';
import { copyWholeFile } from './copies/copy-whole-file.ts';
import { createPartial, STAGED_MODE } from './create-partial.ts';
import type { DefaultModes } from './default-modes.ts';
import { listDirectory } from './directory-listing.ts';
import { lookAt, lookThrough } from './looks.ts';
import type { WholeFinal } from './sealing.ts';
import { toCodedError, withCodedErrors } from './sftp-files.ts';
import { mayOthersWrite } from './staged-attributes.ts';
import { type FlowWindows, StagedFile } from './staged-file.ts';
import { fromStageToken, newStagedToken, type StagedToken, stagedPath, toStageToken } from './staged-token.ts';

/**
 * From this size on, in bytes, renaming is tried first. A smaller file is sent within seconds, so that a refusal costs
 * little.
 */
const TRIES_RENAME_FROM = 256 * 1024;
/** How many partial files of one target are looked at. */
const MAX_FOUND = 100;

export interface StagesOptions {
  readonly connection: CopyingConnection;
  readonly windows: FlowWindows;
  /** Whether the server reports a failure for a write of which only a part found room on its disk. */
  readonly reportsShortWrites: boolean;
  readonly defaultModes: DefaultModes;
  /** Whether the server is known to execute requests in the order in which they are sent. */
  readonly isInOrder: boolean;
}

export class Stages {
  readonly #options: StagesOptions;

  constructor(options: StagesOptions) {
    this.#options = options;
  }

  /** `size`: the bytes of the file that will be staged. */
  async createNew(target: Uint8Array, size: number): Promise<StagedFile> {
    const newPath = (): Buffer => newPartialPath(target);
    const triesRename = size >= TRIES_RENAME_FROM;
    try {
      const options = { target: Buffer.from(target), newPath, modes: this.#options.defaultModes, triesRename };
      const created = await createPartial(this.#session, options);
      const token = newStagedToken(target, created.path, created.hasServerMode);
      return this.#staged(token, created.handle, undefined, created.warnings);
    } catch (error) {
      throw toCodedError(error, { operation: 'open', path: newPath() });
    }
  }

  /** See `RemoteConnection.stageWhole`. */
  async stageWhole(target: Uint8Array, bytes: Uint8Array, final: WholeFinal): Promise<StagedWhole> {
    const staged = await this.createNew(target, 0);
    try {
      return await staged.sealWhole(bytes, final, this.#options.isInOrder);
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope !== 'connection') await this.#abandon(staged);
      throw failure;
    }
  }

  /** Removes a new file that nobody continues, if that is possible. */
  async #abandon(staged: StagedFile): Promise<void> {
    // A failure to close or remove it must not replace the one because of which it is removed.
    await staged.close().catch(() => {});
    await removalRefusal(this.#session, stagedPath(fromStageToken(staged.token))).catch(() => {});
  }

  async openInPlace(target: Uint8Array): Promise<StagedFile> {
    const look = await withCodedErrors(lookThrough(this.#session, target), { operation: 'stat', path: target });
    // An old file whose size is unknown is truncated, because it could not be cut to the size of the new one later.
    const flags = OpenFlag.write | OpenFlag.create | (look.isTold ? 0 : OpenFlag.truncate);
    const handle = await withCodedErrors(this.#session.open(target, flags), { operation: 'open', path: target });
    return this.#staged(newStagedToken(target, undefined), handle, look.isTold ? look.at : undefined);
  }

  async find(target: Uint8Array): Promise<readonly FoundStage[]> {
    const { directory, name: targetName } = splitPath(target);
    const fits = (name: Uint8Array) => partialNameFits(name, targetName);
    const entries = await listDirectory(this.#session, directory, (name) => fits(name) !== undefined);
    const looks = entries.slice(0, MAX_FOUND).map(async ({ name }): Promise<FoundStage[]> => {
      const path = Buffer.concat([directory, name]);
      const token = toStageToken(newStagedToken(target, path));
      // The attributes in listings may be missing or outdated.
      const attributes = await this.lookAt(token);
      return attributes === undefined ? [] : [{ token, path, attributes, isCertain: fits(name) === 'certain' }];
    });
    return (await Promise.all(looks)).flat();
  }

  async lookAt(token: StageToken): Promise<Attributes | undefined> {
    const { partial, hasServerMode } = fromStageToken(token);
    const found = partial && (await this.#look(partial));
    return found && isOursAlone(found, hasServerMode) ? found : undefined;
  }

  async reopen(token: StageToken): Promise<StagedFile | undefined> {
    const found = await this.lookAt(token);
    const { target, partial, hasServerMode } = fromStageToken(token);
    if (partial === undefined || found === undefined) return undefined;
    const handle = await this.#session.open(partial, OpenFlag.write).catch((error: unknown) => {
      if (!(error instanceof SftpStatusError)) throw error;
      // A file that may not be written, such as one that was sealed read-only, cannot be continued.
      const isWritable = found.mode !== undefined && (found.mode & 0o200) !== 0;
      if (!isWritable || error.status !== StatusCode.permissionDenied) return undefined;
      throw toCodedError(error, { operation: 'open', path: partial });
    });
    if (handle === undefined) return undefined;
    const staged = this.#staged(newStagedToken(target, partial, hasServerMode), handle, found);
    // The open file is compared with what was looked at, because it may have been replaced by a link in between.
    const opened = await staged.look();
    if (opened?.kind === 'file' && opened.size >= found.size && isOursAlone(opened, hasServerMode)) return staged;
    await staged.close();
    return undefined;
  }

  async join(token: StageToken): Promise<StagedFile> {
    const staged = fromStageToken(token);
    const path = stagedPath(staged);
    // Both are sent together in this order, so that the attributes are those from before the file was opened.
    const [found, opened] = await Promise.allSettled([
      lookThrough(this.#session, path),
      this.#session.open(path, OpenFlag.write),
    ]);
    if (opened.status === 'rejected') throw joinError(opened.reason, path);
    if (found.status === 'rejected') throw toCodedError(found.reason, { operation: 'stat', path });
    return this.#staged(staged, opened.value, found.value.isTold ? found.value.at : undefined);
  }

  draw(target: Uint8Array): DrawnStage {
    const path = newPartialPath(target);
    return { token: toStageToken(newStagedToken(target, path, this.#lacksModes)), path };
  }

  async copy(origin: StageToken | Uint8Array, copy: StageToken, signal: AbortSignal): Promise<CopiedStage | undefined> {
    const isPath = origin instanceof Uint8Array;
    const from = isPath ? Buffer.from(origin) : fromStageToken(origin).partial;
    const { partial: to } = fromStageToken(copy);
    if (from === undefined || to === undefined) return undefined;
    const found = isPath ? await this.#look(from) : await this.lookAt(origin);
    if (found?.kind !== 'file') return undefined;
    const mode = this.#lacksModes ? undefined : STAGED_MODE;
    const request = { from, to, size: found.size, mode, signal };
    const warnings = await copyWholeFile(this.#options.connection, request);
    return warnings && { warnings };
  }

  async freeSpace(token: StageToken): Promise<number | undefined> {
    if (!this.#session.offers(ExtensionName.statVfs)) return undefined;
    try {
      const { blocksAvailable, fragmentSize } = await this.#session.statVfs(stagedPath(fromStageToken(token)));
      return blocksAvailable * fragmentSize;
    } catch (error) {
      if (error instanceof SftpStatusError) return undefined;
      throw error;
    }
  }

  async discard(token: StageToken): Promise<boolean> {
    const { partial } = fromStageToken(token);
    if (partial === undefined) return false;
    const look = await withCodedErrors(lookAt(this.#session, partial), { operation: 'stat', path: partial });
    if (look.isTold && look.at === undefined) return true;
    if (look.isTold && look.at?.kind !== 'file') return false;
    const removing = removalRefusal(this.#session, partial);
    return (await withCodedErrors(removing, { operation: 'remove', path: partial })) === undefined;
  }

  /** Whether the server sets no mode of a file that exists. */
  get #lacksModes(): boolean {
    return this.#options.defaultModes.areSettable === false;
  }

  get #session(): CopyingConnection['session'] {
    return this.#options.connection.session;
  }

  /** Undefined where nothing exists, and where the server refuses to tell. */
  async #look(path: Buffer): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookAt(this.#session, path), { operation: 'stat', path });
    return look.isTold ? look.at : undefined;
  }

  #staged(
    token: StagedToken,
    handle: Uint8Array,
    found: Attributes | undefined,
    warnings: readonly string[] = [],
  ): StagedFile {
    const { windows, reportsShortWrites, defaultModes } = this.#options;
    const more = { defaultModes, warnings };
    return new StagedFile(this.#session, windows, token, handle, found, reportsShortWrites, more);
  }
}

/** Whether it is a plain file that others may not write; where the server allows no mode to be set, any plain file. */
function isOursAlone({ kind, mode = STAGED_MODE }: Attributes, hasServerMode: boolean = false): boolean {
  return kind === 'file' && (hasServerMode || !mayOthersWrite(mode));
}

function joinError(error: unknown, path: Buffer): CopyError {
  if (!(error instanceof SftpStatusError)) return CopyError.from(error);
  const what = error.isMissing
    ? `A second connection does not see ${cleanText(path)}`
    : `A second connection may not write (${error.text || error.status})`;
  const refused = error.isMissing ? undefined : { operation: 'open', text: error.text };
  return new CopyError('single-writer', `${what}.`, { cause: error, ...(refused && { refused }) });
}
