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
  /** The program, as the build makes it. */
  readonly program: Uint8Array;
  /** Of the server, for questions. */
  readonly host: string;
  /** Tell what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Whether the answer to a question, without its mark, is yes. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Gets sentences for people, each under a stable code. */
  readonly tell: (level: 'info' | 'warning', code: string, message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Asks, installs, runs it once, tells. What is not ours is left alone, and so is a newer one of ours. Resolves with the
 * number of bytes sent when mtput will have the helper there (or with `dryRun`).
 * @throws {CopyError} `destination-in-the-way` and others of the destination; `cancelled`: when the answer was no;
 *   `unsupported`: when it is installed, but of no use on this server, or when the protocol is not SFTP
 */
export async function installHelper(connection: RemoteConnection, task: InstallHelper): Promise<number> {
  if (!(connection instanceof SftpConnection)) {
    throw new CopyError('unsupported', `${PROGRAM} can be installed by SFTP alone.`, { scope: 'run' });
  }
  const { program, host, dryRun, confirm, tell, signal } = task;
  const version = helperVersion(program);
  if (version === undefined) throw new CopyError('bug', `What should be installed is not ${PROGRAM}.`);
  const place = await helperPlace(connection);
  const found = await findHelper(connection, place, program);
  const path = cleanText(place.path);
  const isKept = found !== undefined && (found.isWhole || isNewer(found.version, version));
  if (isKept) {
    tell('info', 'helper-kept', `${PROGRAM} ${keptVersion(found, version)} stands at ${path} already.`);
    if (dryRun) return 0;
  } else {
    const what =
      found === undefined ? `Put ${PROGRAM} ${version}` : `Replace ${PROGRAM} ${found.version} by ${version}`;
    if (dryRun) {
      tell('info', 'helper-would-install', `${what}: ${path}. Nothing was written.`);
      return 0;
    }
    const question = `${what} (${formatSize(program.length)}) on ${cleanText(host)}, at ${path}`;
    if (!(await confirm(question))) {
      signal.throwIfAborted();
      throw new CopyError('cancelled', 'Nothing was changed: the answer was not yes.');
    }
    for (const warning of await putHelper(connection, place, found, program)) {
      tell('warning', 'helper-seal', `${PROGRAM}: ${warning}.`);
    }
    const instead = found === undefined ? '' : ` instead of ${found.version}`;
    tell('info', 'helper-installed', `${PROGRAM} ${version} now stands at ${path}${instead}.`);
  }
  await tellTrial(connection, place.path, tell);
  return isKept ? 0 : program.length;
}

function keptVersion(found: FoundHelper, version: string): string {
  return found.isWhole ? found.version : `${found.version}, which is newer than ${version},`;
}

async function tellTrial(connection: SftpConnection, path: Buffer, tell: InstallHelper['tell']): Promise<void> {
  const trial = await tryHelper(connection.beneath, path);
  if (!trial.works) {
    const message = `${PROGRAM} is at ${cleanText(path)}, but cannot be used: ${trial.reason}`;
    throw new CopyError('unsupported', message, { advice: trial.advice, scope: 'run' });
  }
  tell('info', 'helper-answers', `It was run there once, and answered: version ${trial.version}.`);
  if (trial.onPath === 'none') {
    tell(
      'info',
      'helper-path',
      'Its directory is not on the PATH of the shell there; mtput looks into it all the same.',
    );
  } else if (trial.onPath === 'other') {
    tell(
      'warning',
      'helper-path',
      `Another ${PROGRAM} comes first on the PATH there; of several mtput takes the first that serves.`,
    );
  }
}
