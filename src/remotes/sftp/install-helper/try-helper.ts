/** Runs the installed helper once. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { escapedPath } from '../digests/escaped-path.ts';
import { type ShellConnection, ShellSession } from '../digests/shell-session.ts';
import { TRY_SCRIPT } from './try-script.ts';

/** How long the program may take to print its version. */
const ANSWER_MS = 15_000;
const ANSWER = /^(\d{1,3}) (home|away) (here|other|none) (node|no-node) (.*)$/;
const VERSION = new RegExp(`^${PROGRAM} (\\S{1,80}) \\(serve \\d+\\)\\s*$`);

/** Whether mtput can use the helper. */
export type HelperTrial =
  | {
      readonly works: true;
      readonly version: string;
      /** Which program of this name the PATH of the shell leads to. */
      readonly onPath: 'here' | 'other' | 'none';
    }
  | {
      readonly works: false;
      /** One sentence that says what is wrong, and one that says what to do. */
      readonly reason: string;
      readonly advice: string;
    };

/** @throws {CopyError} scope `connection`: when the connection is lost */
export async function tryHelper(
  connection: ShellConnection,
  path: Uint8Array,
  timeoutMs: number = ANSWER_MS,
): Promise<HelperTrial> {
  try {
    const session = await ShellSession.start(connection, TRY_SCRIPT);
    try {
      const [line = ''] = await session.ask([Buffer.from(`${escapedPath(path)}\n`)], timeoutMs);
      return judge(line);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof CopyError) || error.code !== 'unsupported') throw error;
    return useless(error.message, 'The helper needs a server that runs commands; --verify read-back does not.');
  }
}

/** @param line the answer of {@link TRY_SCRIPT}. It comes from the server and may be anything */
export function judge(line: string): HelperTrial {
  if (line === 'unseen') {
    const advice = 'Put it into ~/.local/bin by other means, if paths mean the same to the shell and to SFTP at all.';
    return useless('The shell of the server does not see it: it has other files than SFTP, or other paths.', advice);
  }
  const [, code, home, onPath, node, said = ''] = ANSWER.exec(line) ?? [];
  if (code === undefined) return useless('The shell of the server answered with something else.', 'See its log.');
  const version = code === '0' ? VERSION.exec(said)?.[1] : undefined;
  if (version === undefined) {
    const advice = 'It needs Node 20 or later, in the PATH that commands get which ssh runs without a terminal.';
    if (node === 'no-node') return useless('The server has no node, or its shell does not find it.', advice);
    const words = cleanText(Buffer.from(said.trim(), 'latin1')).replace(/\.$/, '');
    return useless(`It ended with status ${code}${words === '' ? '' : `: ${words}`}.`, advice);
  }
  if (home === 'away' && onPath !== 'here') {
    const reason = 'It runs, but ~/.local/bin of the shell is another directory, and mtput would look there.';
    return useless(reason, 'Move it there, or to a directory of the PATH of the shell.');
  }
  return { works: true, version: cleanText(version), onPath: onPath as 'here' | 'other' | 'none' };
}

function useless(reason: string, advice: string): HelperTrial {
  return { works: false, reason, advice };
}
