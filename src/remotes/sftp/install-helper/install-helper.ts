/** `mtput --install-helper`: puts `mt-copy-tools-cs` into `~/.local/bin` of a server. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { formatSize } from '../../../util/format-size.ts';
import type { RemoteConnection } from '../../remote.ts';
import { SftpConnection } from '../sftp-connection.ts';
import { helperVersion, isNewer } from './helper-mark.ts';
import { type FoundHelper, findHelper, helperPlace } from './helper-place.ts';
import { putHelper } from './put-helper.ts';
import { tryHelper } from './try-helper.ts';

export interface InstallHelper {
  /** The program that the build has made. */
  readonly program: Uint8Array;
  /** The name of the server, for questions. */
  readonly host: string;
  /** Whether to say only what would be done. */
  readonly dryRun: boolean;
  /** Asks the user; the question has no question mark. Resolves with whether the answer is yes. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Gets sentences for people, each with a code that does not change between versions. */
  readonly onNotice: (level: 'info' | 'warning', code: string, message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Asks the user, installs the program, runs it once, and reports the result. Files that are not ours and newer versions
 * of our program are left alone. Resolves with the number of bytes sent when mtput can use the helper (or with
 * `dryRun`).
 * @throws {CopyError} `destination-in-the-way` and others of the destination: when the program cannot be put there;
 *   `cancelled`: when the answer is no; `unsupported`: when the server cannot run the installed program, or when the
 *   protocol is not SFTP
 */
export async function installHelper(connection: RemoteConnection, task: InstallHelper): Promise<number> {
  if (!(connection instanceof SftpConnection)) {
    throw new CopyError('unsupported', `${PROGRAM} can be installed only by SFTP.`, { scope: 'run' });
  }
  const { program, host, dryRun, confirm, onNotice, signal } = task;
  const version = helperVersion(program);
  if (version === undefined) throw new CopyError('bug', `The file to install is not ${PROGRAM}.`);
  const place = await helperPlace(connection);
  const found = await findHelper(connection, place, program);
  const path = cleanText(place.path);
  const isKept = found !== undefined && (found.isWhole || isNewer(found.version, version));
  if (isKept) {
    onNotice('info', 'helper-kept', `${PROGRAM} ${keptVersion(found, version)} is already at ${path}.`);
    if (dryRun) return 0;
  } else {
    const what =
      found === undefined ? `Put ${PROGRAM} ${version}` : `Replace ${PROGRAM} ${found.version} by ${version}`;
    if (dryRun) {
      onNotice('info', 'helper-would-install', `${what}: ${path}. Nothing was written.`);
      return 0;
    }
    const question = `${what} (${formatSize(program.length)}) on ${cleanText(host)}, at ${path}`;
    if (!(await confirm(question))) {
      signal.throwIfAborted();
      throw new CopyError('cancelled', 'Nothing was changed: the answer was not yes.');
    }
    for (const warning of await putHelper(connection, place, found, program)) {
      onNotice('warning', 'helper-seal', `${PROGRAM}: ${warning}.`);
    }
    const instead = found === undefined ? '' : ` instead of ${found.version}`;
    onNotice('info', 'helper-installed', `${PROGRAM} ${version} is now at ${path}${instead}.`);
  }
  await reportTrial(connection, place.path, onNotice);
  return isKept ? 0 : program.length;
}

function keptVersion(found: FoundHelper, version: string): string {
  return found.isWhole ? found.version : `${found.version}, which is newer than ${version},`;
}

async function reportTrial(
  connection: SftpConnection,
  path: Buffer,
  onNotice: InstallHelper['onNotice'],
): Promise<void> {
  const trial = await tryHelper(connection.beneath, path);
  if (!trial.works) {
    const message = `${PROGRAM} is at ${cleanText(path)}, but cannot be used: ${trial.reason}`;
    throw new CopyError('unsupported', message, { advice: trial.advice, scope: 'run' });
  }
  onNotice('info', 'helper-answers', `It was run there once, and answered: version ${trial.version}.`);
  if (trial.onPath === 'none') {
    onNotice(
      'info',
      'helper-path',
      'Its directory is not on the PATH of the shell there; mtput looks into it all the same.',
    );
  } else if (trial.onPath === 'other') {
    onNotice(
      'warning',
      'helper-path',
      `Another ${PROGRAM} comes first on the PATH there; of several mtput takes the first that serves.`,
    );
  }
}
