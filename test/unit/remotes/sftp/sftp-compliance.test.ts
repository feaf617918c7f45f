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

test('names that could lead elsewhere are listed as refused, with all others', async () => {
  const server = serverWith({ alsoLists: ['../etc', '', 'a\0b', '/', 'fine', 'twice', 'twice'] });
  const connection = await server.connection();
  const found: [string, boolean][] = [];
  for await (const batch of connection.list(Buffer.from('/home'))) {
    for (const { name, isRefused } of batch) found.push([Buffer.from(name).toString(), isRefused === true]);
  }
  expect(found).toEqual([
    ['../etc', true],
    ['', true],
    ['a\0b', true],
    ['/', true],
    ['fine', false],
    ['twice', false],
    ['twice', false],
  ]);
  await connection.close();
});

test('a listing is closed, also where only its beginning was wanted', async () => {
  const server = serverWith({});
  for (let i = 0; i < 3000; i++) server.put(`/home/${i}`, '');
  const connection = await server.connection();
  for await (const _ of connection.list(Buffer.from('/home'))) break;
  await connection.ping();
  expect(server.asked.filter((type) => type === 'readdir').length).toBeLessThanOrEqual(5);
  expect(server.asked).toContain('close');
  await connection.close();
});
