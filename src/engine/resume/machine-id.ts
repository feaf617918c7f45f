/** Which machine this is: two machines may share one state directory, as with a home directory on a file server. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** See machine-id(5); the second place is that of older systems. */
const MACHINE_ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
const MAX_LENGTH = 32;

/**
 * A name for this machine, 32 hex digits: of its host name, because images of systems share the id, and of the id, because
 * host names are chosen twice. A machine that gets another name loses the use of its journals, and nothing else. The id itself
 * is not shown, as machine-id(5) demands.
 */
export async function machineId(
  host: string = hostname(),
  files: readonly string[] = MACHINE_ID_FILES,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(['mt-copy-tools', host, await firstOf(files)]));
  return hash.digest('hex').slice(0, MAX_LENGTH);
}

/** What the first file that can be read holds; systems other than Linux have none of them. */
async function firstOf(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.trim() !== '') return text.trim();
  }
  return '';
}
