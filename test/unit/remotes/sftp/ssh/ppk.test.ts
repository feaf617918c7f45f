import { writeFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { keyFileIdentity, keyIdentity, loadKeyFile } from '../../../../../src/remotes/sftp/ssh/key-files.ts';
import { fromPpk } from '../../../../../src/remotes/sftp/ssh/ppk.ts';
import { secretTries } from '../../../../../src/remotes/sftp/ssh/secrets.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';
import { PPK_CASES } from './ppk-cases.ts';

describe.each(PPK_CASES)('a key of PuTTY: $what', ({ ppk, isEncrypted, publicKey }) => {
  const passphrase = isEncrypted ? 'right' : undefined;

  test.each(['\n', '\r\n'])('is converted, with lines that end in %j', async (end) => {
    const key = ssh2.utils.parseKey((await fromPpk(Buffer.from(ppk.replaceAll('\n', end)), passphrase))!);
    if (key instanceof Error) throw key;
    expect(`${key.type} ${key.getPublicSSH().toString('base64')}`).toBe(publicKey);
    const data = Buffer.from('to be signed');
    const other = ssh2.utils.parseKey(publicKey);
    if (other instanceof Error) throw other;
    expect(other.verify(data, key.sign(data))).toBe(true);
  });

  test('is not taken for right when it was changed', async () => {
    const changed = ppk.replace(/^Comment: a/m, 'Comment: b');
    await expect(fromPpk(Buffer.from(changed), passphrase)).rejects.toThrow(isEncrypted ? 'encrypted' : 'damaged');
  });

  test('signs here and in another thread, which gets no passphrase', async () => {
    const dir = await tempDirForTest();
    await writeFile(dir.file('key.ppk'), ppk, { mode: 0o600 });
    const file = await loadKeyFile({ path: dir.file('key.ppk'), explicit: true });
    if (file === undefined || 'problem' in file) throw new Error('not loaded');
    expect(file).toMatchObject({ isEncrypted, hasPrivateKey: true });
    // The public half is known without a passphrase.
    expect(file.publicKey?.getPublicSSH().toString('base64')).toBe(publicKey.split(' ')[1]);
    const tries = secretTries(isEncrypted ? 'right' : undefined, undefined, 1);
    const identity = keyFileIdentity(file, file.publicKey!, tries);
    const data = Buffer.from('to be signed');
    expect(file.publicKey!.verify(data, await identity.sign(data, undefined))).toBe(true);
    const spec = identity.spec();
    if (spec?.kind !== 'file') throw new Error('no spec');
    expect(spec.passphrase).toBeUndefined();
    const there = keyIdentity(structuredClone(spec));
    expect(file.publicKey!.verify(data, await there.sign(data, undefined))).toBe(true);
  });
});

test('another passphrase is asked for, and none is enough', async () => {
  const encrypted = PPK_CASES.filter((one) => one.isEncrypted);
  for (const { ppk } of encrypted) {
    await expect(fromPpk(Buffer.from(ppk), undefined)).rejects.toThrow('encrypted');
    await expect(fromPpk(Buffer.from(ppk), 'wrong')).rejects.toThrow('encrypted');
  }
});

test.each([
  ['Argon2-Memory: 128', 'Argon2-Memory: 99999999', 'Argon2-Memory'],
  ['Argon2-Passes: 1', 'Argon2-Passes: 0', 'Argon2-Passes'],
  ['Key-Derivation: Argon2id', 'Key-Derivation: Other', 'Key-Derivation'],
  ['Encryption: aes256-cbc', 'Encryption: rot13', 'rot13'],
])('a bound: %s becomes %s', async (from, to, says) => {
  const { ppk } = PPK_CASES.find(({ what }) => what === 'Ed25519, version 3, encrypted')!;
  await expect(fromPpk(Buffer.from(ppk.replace(from, to)), 'right')).rejects.toThrow(says);
});

test('what is no such key is left alone', async () => {
  expect(await fromPpk(Buffer.from('nothing'), undefined)).toBeUndefined();
  expect(await fromPpk(Buffer.from('PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n'), undefined)).toBeUndefined();
});
