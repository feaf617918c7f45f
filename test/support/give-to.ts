/** Files that a test makes on a server's disk and that the account of the server is to read and write. */
import { chown, stat } from 'node:fs/promises';
import type { TestServer } from './test-server.ts';

export async function giveTo(server: TestServer, path: string | Buffer): Promise<void> {
  const { uid, gid } = await stat(server.home);
  await chown(path, uid, gid);
}
