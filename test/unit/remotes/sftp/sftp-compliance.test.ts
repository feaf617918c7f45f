/** The stand-in server as a remote, and what a hostile one may list. */
import { describe, expect, test } from 'vitest';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { complianceOfRemote } from '../remote-compliance.ts';

function serverWith(quirks: Partial<Quirks>): StandInSftpServer {
  const server = new StandInSftpServer(quirks);
  server.put('/home', '', { kind: 'directory', mode: 0o755 });
  return server;
}

describe.each<[string, Partial<Quirks>]>([
  ['that has every extension', { copyData: true }],
  ['without fsync and copy-data', { fsync: false }],
  ['that lists itself and its parent', { alsoLists: ['.', '..'] }],
])('a server %s', (_, quirks) => {
  complianceOfRemote(async () => ({
    connection: await serverWith(quirks).connection(),
    directory: '/home',
    copiesRanges: quirks.copyData === true,
  }));
});

test.each(['../etc', '', 'a\0b', '/'])('a listing with %j ends there: it could lead elsewhere', async (name) => {
  const server = serverWith({ alsoLists: [name] });
  const connection = await server.connection();
  const all = async (): Promise<void> => {
    for await (const _ of connection.list(Buffer.from('/home')));
  };
  await expect(all()).rejects.toMatchObject({ code: 'protocol', exitCode: 8 });
  await connection.close();
});

test('a listing is closed, also where only its beginning was wanted', async () => {
  const server = serverWith({});
  for (let i = 0; i < 300; i++) server.put(`/home/${i}`, '');
  const connection = await server.connection();
  for await (const _ of connection.list(Buffer.from('/home'))) break;
  await connection.ping();
  expect(server.asked.filter((type) => type === 'readdir')).toHaveLength(1);
  expect(server.asked).toContain('close');
  await connection.close();
});
