import type { Client } from 'ssh2';
import { expect, test } from 'vitest';
import { slowPathNote } from '../../../../../src/remotes/sftp/ssh/slow-path.ts';

class AESGCMCipherNative {}
class AESGCMCipherBinding {}

function client(version: string, cipher: object): Client {
  return { _protocol: { _identRaw: Buffer.from(`SSH-2.0-ssh2js${version}`), _cipher: cipher } } as unknown as Client;
}

const BEGINNING = 'Sending takes more processor time than it could: ';

test.each([
  ['1.17.0', new AESGCMCipherBinding(), true, undefined],
  ['1.17.0', new AESGCMCipherNative(), true, "ssh2's native add-on is missing."],
  ['1.17.0', new AESGCMCipherBinding(), false, 'the fast path is off (MT_COPY_FAST_PATH=no).'],
  ['1.18.0', new AESGCMCipherBinding(), true, 'the fast path is off (it is for ssh2 1.17.0, and this is ssh2 1.18.0).'],
  [
    '1.18.0',
    new AESGCMCipherNative(),
    true,
    "the fast path is off (it is for ssh2 1.17.0, and this is ssh2 1.18.0), and ssh2's native add-on is missing.",
  ],
])('ssh2 %s, %o, fast path wanted %s', (version, cipher, wanted, note) => {
  expect(slowPathNote(client(version, cipher), { fastPath: wanted, compression: false })).toBe(
    note && BEGINNING + note,
  );
});

test('compression is a reason', () => {
  const settings = { fastPath: false, compression: true };
  const note = slowPathNote(client('1.17.0', new AESGCMCipherBinding()), settings);
  expect(note).toBe(`${BEGINNING}the fast path is off (compression).`);
});

test('there is no note where the internals of ssh2 are different', () => {
  expect(slowPathNote({} as Client, { fastPath: true, compression: false })).toBeUndefined();
});
