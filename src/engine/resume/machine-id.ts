/** Identifies this machine: several machines may share a state directory, as with a home directory on a file server. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** See machine-id(5). The second file is that of older systems. */
const MACHINE_ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
const MAX_LENGTH = 32;

/**
 * A name for this machine: 32 hex digits of a hash of its host name and its machine id. Either alone may be the same on
 * two machines: copies of a system image share the id, and host names are not unique. A machine that gets another name
 * does not find its journals any more, and loses nothing else. The id is hashed because machine-id(5) demands that it
 * is not shown.
 */
export async function machineId(
  host: string = hostname(),
  files: readonly string[] = MACHINE_ID_FILES,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(['mt-copy-tools', host, await firstOf(files)]));
  return hash.digest('hex').slice(0, MAX_LENGTH);
}

/** The contents of the first file that can be read. Systems other than Linux have none of them. */
async function firstOf(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.trim() !== '') return text.trim();
  }
  return '';
}
