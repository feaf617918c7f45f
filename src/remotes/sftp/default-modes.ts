/**
 * Finds out which modes a server gives to new files, because of its umask, the default ACL of the directory or its
 * configuration. No request returns them. They are taken from an empty file beside the target, which is created without
 * a mode, looked at and removed, once for each directory of a run.
 */
import { cleanText } from '../../util/clean-text.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { removalRefusal } from './aside-files.ts';
import { OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { lookAt, lookAtOpen } from './looks.ts';
import type { SftpSession } from './session.ts';

/** For how many directories of a run the modes are remembered. */
const MAX_DIRECTORIES = 1000;

export interface DefaultMode {
  /** Permission bits; undefined where they could not be found out. */
  readonly mode: number | undefined;
  /** What the attempt left on the server. For people; returned only by the first call for a directory. */
  readonly warnings: readonly string[];
}

/** The default modes of the directories of one run. All its connections share them. */
export class DefaultModes {
  /** Whether the server sets the modes of existing files; undefined: not known yet. */
  areSettable: boolean | undefined;
  readonly #known: Map<string, Promise<number | undefined>> = new Map();

  /** @param newPath a path beside the target that was never used before. Rejects where the connection is lost */
  async of(session: SftpSession, newPath: Buffer): Promise<DefaultMode> {
    const directory = newPath.toString('latin1', 0, newPath.lastIndexOf('/') + 1);
    const known = this.#known.get(directory);
    if (known !== undefined) return { mode: await known, warnings: [] };
    const learning = learn(session, newPath);
    const mode = learning.then((learned) => learned.mode);
    if (this.#known.size < MAX_DIRECTORIES) this.#known.set(directory, mode);
    mode.catch(() => this.#known.delete(directory));
    return learning;
  }
}

async function learn(session: SftpSession, path: Buffer): Promise<DefaultMode> {
  let handle: Uint8Array;
  try {
    handle = await session.open(path, OpenFlag.write | OpenFlag.create | OpenFlag.exclusive);
  } catch (error) {
    if (error instanceof SftpStatusError) return { mode: undefined, warnings: [] };
    throw error;
  }
  // All are sent together. Where one way to ask for the attributes is refused, the other may be allowed.
  const [open, byPath, , refusal] = await Promise.all([
    lookAtOpen(session, handle, path),
    lookAt(session, path),
    session.closeHandle(handle).catch((error: unknown) => {
      if (!(error instanceof SftpStatusError)) throw error;
    }),
    removalRefusal(session, path),
  ]);
  const mode = (open.isTold ? open.at?.mode : undefined) ?? (byPath.isTold ? byPath.at?.mode : undefined);
  const shown = cleanText(path);
  const warnings = refusal === undefined ? [] : [`${shown} is empty, and the server refuses to remove it`];
  return { mode: mode === undefined ? undefined : mode & PERMISSION_BITS, warnings };
}
