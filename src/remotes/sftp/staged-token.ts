/** Identifies a staged file for other connections and threads. */
import { CopyError } from '../../errors.ts';
import { hexOf, newHex } from '../../util/partial-name.ts';
import type { StageToken } from '../remote.ts';

export interface StagedToken {
  readonly target: Buffer;
  /** Undefined where the target itself is written. */
  readonly partial: Buffer | undefined;
  /**
   * Unique for each staged file; the HEX in the name of a partial file. Two tokens of one staged file have the same.
   */
  readonly stage: string;
  /** Whether the server refused to set a mode, so that the file has one that may allow others to write it. */
  readonly hasServerMode: boolean;
}

export function newStagedToken(
  target: Uint8Array,
  partial: Uint8Array | undefined,
  hasServerMode: boolean = false,
): StagedToken {
  return {
    hasServerMode,
    target: Buffer.from(target),
    partial: partial && Buffer.from(partial),
    stage: partial === undefined ? newHex() : hexOf(partial),
  };
}

/** The path of the file that is written. */
export function stagedPath({ target, partial }: StagedToken): Buffer {
  return partial ?? target;
}

/** Paths are bytes. Latin-1 turns them into strings without a loss. */
export function toStageToken({ target, partial, stage, hasServerMode }: StagedToken): StageToken {
  const paths = { target: target.toString('latin1'), partial: partial?.toString('latin1') ?? '' };
  return { ...paths, stage, ...(hasServerMode && { hasServerMode }) };
}

/** @throws {CopyError} `bug`: when the token is not from {@link toStageToken} */
export function fromStageToken({ target, partial, stage, hasServerMode }: StageToken): StagedToken {
  if (typeof target !== 'string' || typeof partial !== 'string' || typeof stage !== 'string') {
    throw new CopyError('bug', 'A staged file of another protocol was joined on SFTP.');
  }
  return {
    target: Buffer.from(target, 'latin1'),
    partial: partial === '' ? undefined : Buffer.from(partial, 'latin1'),
    stage,
    hasServerMode: hasServerMode === true,
  };
}
