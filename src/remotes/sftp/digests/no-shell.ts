/** Why there is no shell, by what a server says instead of the marker. */
import { cleanText } from '../../../util/clean-text.ts';

const MAX_SAID = 200;

/** What PowerShell and cmd.exe say of `exec`, where they speak English. */
const WINDOWS_SHELLS: readonly (readonly [name: string, says: RegExp])[] = [
  ['PowerShell', /name of a cmdlet|CommandNotFoundException/],
  ['cmd.exe', /is not recognized as an internal or external command/],
];

/** `said`: by whatever ended with `status`, on stdout and stderr; latin1. One sentence for people. */
export function noShell(said: string, status: number | undefined): string {
  for (const [name, says] of WINDOWS_SHELLS) {
    if (says.test(said.replaceAll(/\s+/g, ' '))) return `The shell of the server is ${name}, which is not supported.`;
  }
  const how = status === undefined ? '' : ` with status ${status}`;
  const words = said.trim().split('\n')[0]?.trim() ?? '';
  const text = cleanText(Buffer.from(words, 'latin1')).slice(0, MAX_SAID).replace(/\.$/, '');
  return `The server gives no shell; what it ran instead ended${how}${text === '' ? '' : `: ${text}`}.`;
}
