/** Tells whether this machine was started again since: what was written to a file is not lost before that. */
import { readFile } from 'node:fs/promises';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** A name that the system draws when it starts (see random(4)). Undefined where there is none: on systems other than Linux. */
export async function bootId(file: string = BOOT_ID_FILE): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^[0-9a-f-]{36}$/.test(text.trim()) ? text.trim() : undefined;
}
