/** Sets the mode and the times of a staged file before it is published. */
import { newPartialPath } from '../../util/partial-name.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import type { Attributes } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { DefaultModes } from './default-modes.ts';
import type { SftpSession } from './session.ts';
import { timesOf } from './set-attributes.ts';
import { withCodedErrors } from './sftp-files.ts';
import { type StagedToken, stagedPath } from './staged-token.ts';

/**
 * The mode and the times of one staged file that is open for writing.
 *
 * A server can refuse to set either, or refuse to set the mode of an open file and allow it by the path, and the
 * protocol cannot express every time. None of that is a failure: what could not be set is added to the `warnings` of
 * the caller, for people. Only the loss of the connection rejects. A method that sends a request has sent it when it
 * returns its promise, so that the caller determines the order of what is sent together.
 */
export class StagedAttributes {
  readonly #session: SftpSession;
  readonly #token: StagedToken;
  readonly #handle: Uint8Array;
  readonly #defaultModes: DefaultModes;

  constructor(session: SftpSession, token: StagedToken, handle: Uint8Array, defaultModes: DefaultModes) {
    this.#session = session;
    this.#token = token;
    this.#handle = handle;
    this.#defaultModes = defaultModes;
  }

  /**
   * The mode that the server gives to new files; undefined where the file has it already, or it cannot be found out. A
   * partial file must get it even if the caller names no mode, because others cannot read the file until then.
   */
  async modeOfTheServer(warnings: string[]): Promise<number | undefined> {
    const { partial, hasServerMode, target } = this.#token;
    if (partial === undefined || hasServerMode) return undefined;
    const { mode, warnings: more } = await withCodedErrors(
      this.#defaultModes.of(this.#session, newPartialPath(target)),
      { operation: 'set attributes of', path: partial },
    );
    warnings.push(...more);
    if (mode === undefined) warnings.push('it could not be found out which mode the server gives to new files');
    return mode;
  }

  /** Sets the mode of the open file. Resolves with the refusal where the server refuses, without a warning. */
  setMode(mode: number): Promise<SftpStatusError | undefined> {
    return this.#set({ permissions: mode & PERMISSION_BITS });
  }

  /**
   * Sets the mode by the path, where the server refuses to set that of an open file. Resolves with whether it was set.
   * Adds a warning unless the file has that mode already.
   * @param refusal that of {@link setMode}
   * @param found the attributes after that; undefined where the server does not tell
   */
  async setModeByPath(
    mode: number,
    refusal: SftpStatusError,
    found: Attributes | undefined,
    warnings: string[],
  ): Promise<boolean> {
    const permissions = mode & PERMISSION_BITS;
    const present = found?.mode === undefined ? undefined : found.mode & PERMISSION_BITS;
    if (present === permissions) return false;
    const again = await refusalOf(this.#session.setStat(stagedPath(this.#token), { permissions }));
    if (again === undefined) return true;
    const now = present === undefined ? '' : `, which stay ${present.toString(8).padStart(4, '0')}`;
    warnings.push(`the server refused to set its mode bits (${refusal.text || refusal.status})${now}`);
    return false;
  }

  /** Sets the times. Resolves with whether the server accepted them. */
  async setTimes(mtimeMs: number | undefined, warnings: string[]): Promise<boolean> {
    if (mtimeMs === undefined) return false;
    const times = timesOf(mtimeMs);
    if (times === undefined) {
      warnings.push('the protocol cannot express the time of its last change');
      return false;
    }
    const refusal = await this.#set({ times });
    if (refusal !== undefined) warnings.push(`the server refused to set its times (${refusal.text || refusal.status})`);
    return refusal === undefined;
  }

  #set(attributes: SftpAttributes): Promise<SftpStatusError | undefined> {
    return refusalOf(this.#session.fsetStat(this.#handle, attributes));
  }
}

async function refusalOf(change: Promise<void>): Promise<SftpStatusError | undefined> {
  try {
    await change;
    return undefined;
  } catch (error) {
    if (error instanceof SftpStatusError) return error;
    throw error;
  }
}

/** Whether others may write a file of this mode. */
export function mayOthersWrite(mode: number): boolean {
  return (mode & 0o022) !== 0;
}
