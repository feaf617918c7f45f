import { expect, test } from 'vitest';
import { parseCheckFile } from '../../../../../src/remotes/sftp/codec/check-file.ts';
import { StatusCode } from '../../../../../src/remotes/sftp/codec/constants.ts';
import { probeCheckFile } from '../../../../../src/remotes/sftp/digests/check-file-probe.ts';
import { SftpSession } from '../../../../../src/remotes/sftp/session.ts';
import { ScriptedServer } from '../scripted-server.ts';

async function probed(
  answer: (server: ScriptedServer, id: number) => void,
  extensions: Readonly<Record<string, string>> = {},
) {
  const server = new ScriptedServer(new Map(Object.entries(extensions).map(([k, v]) => [k, Buffer.from(v)])));
  const session = await SftpSession.open(server.channel, { stallTimeoutMs: 10_000 });
  server.onRequest = ({ id }) => answer(server, id);
  return { server, session, probing: probeCheckFile(session) };
}

const says = (status: number, text: string) => (server: ScriptedServer, id: number) => server.status(id, status, text);
const { noSuchFile, noSuchPath, permissionDenied, failure, unsupported, ok } = StatusCode;
/** As Apache MINA has it: names in a list within a value. */
const supported2 = { supported2: '\0\0\0\x11check-file-handle\0\0\0\x0fcheck-file-name' };
const advertised = { 'check-file': '1' };
const paramiko = { 'check-file': 'md5,sha1' };

test.each([
  ['no such file', says(noSuchFile, 'No such file'), {}],
  ['no such path', says(noSuchPath, ''), {}],
  ['a complaint about the range', says(unsupported, 'Invalid parameter'), {}],
  [
    'digests, oddly',
    (server: ScriptedServer, id: number) => server.reply({ type: 'extendedReply', id, payload: Buffer.alloc(0) }),
    {},
  ],
  ['a failure where it is advertised', says(failure, 'Failure'), advertised],
  ['a failure where it is advertised within a list', says(failure, ''), supported2],
  ['a denial where it is advertised', says(permissionDenied, 'Permission denied'), advertised],
  ['no such file where only handles are promised', says(noSuchFile, ''), paramiko],
])('%s: it is there, or may be', async (_, answer, extensions) => {
  const { probing } = await probed(answer, extensions);
  await expect(probing).resolves.toBeUndefined();
});

test.each([
  ['proftpd that was told not to', says(unsupported, 'Unsupported operation'), {}],
  ['OpenSSH', says(unsupported, 'Operation unsupported'), {}],
  ['a server that says no more', says(unsupported, ''), {}],
  ['a server that denies', says(permissionDenied, 'Permission denied'), {}],
  ['a server that fails', says(failure, 'Failure'), {}],
  ['a bare OK', says(ok, ''), advertised],
  ['paramiko', says(unsupported, 'Operation unsupported'), paramiko],
])('%s: it is not there, and the connection goes on', async (_, answer, extensions) => {
  const { server, session, probing } = await probed(answer, extensions);
  await expect(probing).rejects.toMatchObject({ code: 'unsupported' });
  server.onRequest = ({ id }) => server.status(id, noSuchFile);
  expect(await session.stat(Buffer.from('x'))).toBeUndefined();
});

test('the probe asks for a name that does not exist, and a new one each time', async () => {
  const { server, session, probing } = await probed(says(noSuchFile, ''));
  await probing;
  await probeCheckFile(session);
  const names = server.requests.map((request) => {
    if (request.type !== 'extended') throw new Error(request.type);
    expect(request.name).toBe('check-file-name');
    return Buffer.from(parseCheckFile(request.payload).file).toString();
  });
  expect(names).toEqual([expect.stringMatching(/^\.mt-probe-[0-9a-f]{16}$/), expect.stringMatching(/^\.mt-probe-/)]);
  expect(names[0]).not.toBe(names[1]);
});

test('a lost connection is not an answer', async () => {
  const { probing } = await probed((server) => server.channel.destroy());
  await expect(probing).rejects.toMatchObject({ code: 'connection-lost', scope: 'connection' });
});
