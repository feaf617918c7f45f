/** Identifies the current boot of this machine: written bytes survive the end of the process, but not a restart. */
import { readFile } from 'node:fs/promises';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** A random name of the current boot (see random(4)). Undefined on systems other than Linux, which have none. */
export async function bootId(file: string = BOOT_ID_FILE): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^[0-9a-f-]{36}$/.test(text.trim()) ? text.trim() : undefined;
}
