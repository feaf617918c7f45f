/** Explains why sending takes more processor time on this machine than necessary. */
import type { Client } from 'ssh2';
import { cleanText } from '../../../util/clean-text.ts';
import { KNOWN_VERSION } from './fast-outlet.ts';
import type { SshSettings } from './ssh-settings.ts';
import { cipherClassOf, identificationOf } from './ssh2-internals.ts';

/** A sentence for people; undefined where there is no known reason. */
export function slowPathNote(
  client: Client,
  { fastPath, compression }: Pick<SshSettings, 'fastPath' | 'compression'>,
): string | undefined {
  const version = identificationOf(client);
  const cipher = cipherClassOf(client);
  const causes = [
    ...(fastPath ? [] : [`the fast path is off (${compression ? 'compression' : 'MT_COPY_FAST_PATH=no'})`]),
    ...(fastPath && version !== undefined && version !== KNOWN_VERSION
      ? [`the fast path is off (it is for ${shortVersion(KNOWN_VERSION)}, and this is ${shortVersion(version)})`]
      : []),
    // ssh2 has two classes for each cipher: `...Binding` uses its add-on, `...Native` only what Node has.
    ...(cipher?.endsWith('Native') ? ["ssh2's native add-on is missing"] : []),
  ];
  return causes.length === 0 ? undefined : `Sending takes more processor time than it could: ${causes.join(', and ')}.`;
}

function shortVersion(identification: string): string {
  return cleanText(identification.replace(/^SSH-2\.0-ssh2js/, 'ssh2 '));
}
