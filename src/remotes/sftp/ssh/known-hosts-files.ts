/** Reads known_hosts files, and appends to one. */
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectories } from '../../../util/make-directories.ts';
import { hashName, type KnownHostsFile } from './known-hosts.ts';

/** Reads the files. As in OpenSSH, those that cannot be read count as empty. */
export async function readKnownHostsFiles(files: readonly string[]): Promise<KnownHostsFile[]> {
  const texts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'latin1').catch(() => undefined);
      return text === undefined ? [] : [{ file, text }];
    }),
  );
  return texts.flat();
}

export interface NewKnownHost {
  readonly file: string;
  /** The name under which the host is looked up. */
  readonly name: string;
  readonly type: string;
  readonly blob: Uint8Array;
  /** Whether to hash the name. It is also hashed where the file contains hashed names already. */
  readonly hash: boolean;
}

/**
 * Appends a line with a single write, so that two programs can append at the same time. A missing file is created with
 * mode 0600, and its directory with 0700.
 * @returns false where nothing was written, because the name contains characters that have a meaning in the file
 * @throws {Error} of the file system
 */
export async function appendKnownHost(host: NewKnownHost): Promise<boolean> {
  if (!canBeWritten(host.name)) return false;
  await makeDirectories(dirname(host.file), 0o700);
  const handle = await open(host.file, 'a+', 0o600);
  try {
    const text = await handle.readFile('latin1');
    const ending = text.includes('\r\n') ? '\r\n' : '\n';
    const hashed = host.hash || /^(@\S+[ \t]+)?\|1\|/m.test(text);
    const name = hashed ? hashName(host.name, randomBytes(20)) : host.name;
    const line = `${name} ${host.type} ${Buffer.from(host.blob).toString('base64')}${ending}`;
    await handle.appendFile(text === '' || text.endsWith('\n') ? line : ending + line);
    return true;
  } finally {
    await handle.close();
  }
}

/** The brackets of `[host]:port` are the only special characters that a name may contain. */
function canBeWritten(name: string): boolean {
  const inner = /^\[([^\]]*)\]:\d+$/.exec(name)?.[1] ?? name;
  return /^[\x21-\x7e]+$/.test(inner) && !/[@?*#[\]|'"\\,!]/.test(inner);
}
