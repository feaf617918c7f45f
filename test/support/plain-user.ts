/**
 * Somebody without the rights of root, who runs the program: root may read and write everything, whatever the modes are.
 */
import { chown, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mtputPath } from './mtput.ts';
import { run } from './process.ts';
import type { TestServer } from './test-server.ts';

export interface PlainUser {
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Where its journals go. */
  readonly home: string;
  /** Its own copies of what lets it in, which others may not read. */
  readonly files: Pick<TestServer, 'identityFile' | 'knownHostsFile'>;
}

/** `nobody` of most systems; it need not have an account. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * `directory`: which may be entered by all, for the files of this user. `undefined` where the tests are not run by root,
 * and so need nobody else; and where nobody else may read the program.
 */
export async function plainUser(server: TestServer, directory: string): Promise<PlainUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const probe = await run(process.execPath, [mtputPath, '--version'], { owner: NOBODY, cwd: '/' }).catch(
    () => undefined,
  );
  if (probe?.code !== 0) return undefined;
  const home = join(directory, 'plain-user');
  await mkdir(home);
  const files = { identityFile: join(home, 'user_key'), knownHostsFile: join(home, 'known_hosts') };
  await copyFile(server.identityFile, files.identityFile);
  await copyFile(server.knownHostsFile, files.knownHostsFile);
  for (const path of [home, ...Object.values(files)]) await chown(path, NOBODY.uid, NOBODY.gid);
  return { owner: NOBODY, home, files };
}
