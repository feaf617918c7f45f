import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { fromPkcs8 } from '../../../../../src/remotes/sftp/ssh/pkcs8.ts';

const PAIRS = [
  ['ssh-rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ecdsa-sha2-nistp256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['ecdsa-sha2-nistp384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['ecdsa-sha2-nistp521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ['ssh-ed25519', () => generateKeyPairSync('ed25519')],
] as const;

function isUsable(pem: string, type: string): boolean {
  const key = ssh2.utils.parseKey(pem);
  if (key instanceof Error) throw key;
  expect(key.type).toBe(type);
  const data = Buffer.from('to be signed');
  return key.verify(data, key.sign(data)) === true;
}

test.each(PAIRS)('%s, with and without a passphrase', (type, makePair) => {
  const { privateKey } = makePair();
  const plain = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(isUsable(fromPkcs8(plain, undefined)!, type)).toBe(true);
  expect(isUsable(fromPkcs8(plain, 'of another key')!, type)).toBe(true);
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' } as const;
  const encrypted = Buffer.from(privateKey.export(options));
  expect(isUsable(fromPkcs8(encrypted, 'right')!, type)).toBe(true);
  expect(() => fromPkcs8(encrypted, undefined)).toThrow('encrypted');
  expect(() => fromPkcs8(encrypted, 'wrong')).toThrow('encrypted');
});

test('what is no PKCS#8, or no key of SSH', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  expect(fromPkcs8(Buffer.from(rsa.export({ type: 'pkcs1', format: 'pem' })), undefined)).toBeUndefined();
  expect(fromPkcs8(Buffer.from('nothing'), undefined)).toBeUndefined();
  const other = generateKeyPairSync('x25519').privateKey;
  const pem = Buffer.from(other.export({ type: 'pkcs8', format: 'pem' }));
  expect(() => fromPkcs8(pem, undefined)).toThrow('keys of the type x25519 are not supported');
  const broken = Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  expect(() => fromPkcs8(broken, undefined)).toThrow('the key cannot be read');
});
