/** Explains why a server gives no shell, by what it printed instead of the marker. */
import { cleanText } from '../../../util/clean-text.ts';

const MAX_SAID = 200;

/** The English messages of PowerShell and cmd.exe about the unknown command `exec`. */
const WINDOWS_SHELLS: readonly (readonly [name: string, says: RegExp])[] = [
  ['PowerShell', /name of a cmdlet|CommandNotFoundException/],
  ['cmd.exe', /is not recognized as an internal or external command/],
];

/**
 * One sentence for people.
 * @param said what was printed to stdout and stderr, as Latin-1
 * @param status the exit status; undefined where it is unknown
 */
export function noShell(said: string, status: number | undefined): string {
  for (const [name, says] of WINDOWS_SHELLS) {
    if (says.test(said.replaceAll(/\s+/g, ' '))) return `The shell of the server is ${name}, which is not supported.`;
  }
  const how = status === undefined ? '' : ` with status ${status}`;
  const words = said.trim().split('\n')[0]?.trim() ?? '';
  const text = cleanText(Buffer.from(words, 'latin1')).slice(0, MAX_SAID).replace(/\.$/, '');
  return `The server gives no shell; what it ran instead ended${how}${text === '' ? '' : `: ${text}`}.`;
}
