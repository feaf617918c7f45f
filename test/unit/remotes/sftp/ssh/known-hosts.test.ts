import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findKnownKeys, hashName, judgeKey, lookupNames } from '../../../../../src/remotes/sftp/ssh/known-hosts.ts';
import { skipWithout } from '../../../../support/describe-with-servers.ts';
import { runOk } from '../../../../support/process.ts';
import { makeTempDir } from '../../../../support/temp-dir.ts';

/** A blob of the type, told apart by `what`. */
function key(type: string, what: string): { line: string; blob: Buffer } {
  const field = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const blob = Buffer.concat([field(type), field(what)]);
  return { line: `${type} ${blob.toString('base64')}`, blob };
}

const ours = key('ssh-ed25519', 'ours');
const other = key('ssh-ed25519', 'other');
const rsa = key('ssh-rsa', 'rsa');

function judge(text: string, host = 'example.org', port = 22, blob: Uint8Array = ours.blob, alias?: string) {
  const names = lookupNames(host, port, alias);
  return judgeKey(findKnownKeys([{ file: 'kh', text }], names), blob);
}

const state = (...args: Parameters<typeof judge>) => judge(...args).state;

describe('known_hosts', () => {
  test('the same key is ok, with its line', () => {
    const text = `# comment\n\n  ${'example.org'} ${ours.line} a comment with words\n`;
    expect(judge(text)).toEqual({ state: 'ok', where: ['kh:3'], knownTypes: ['ssh-ed25519'] });
  });

  test.each([
    ['nothing', '', 'new'],
    ['another host', `example.com ${ours.line}`, 'new'],
    ['another key', `example.org ${other.line}`, 'changed'],
    ['a key of another type', `example.org ${rsa.line}`, 'changed'],
    ['another key and ours', `example.org ${other.line}\nexample.org ${ours.line}`, 'ok'],
    ['one of several names', `a,example.org,b ${ours.line}`, 'ok'],
    ['upper case', `EXAMPLE.Org ${ours.line}`, 'ok'],
    ['tabs', `example.org\t${ours.line.replace(' ', '\t')}`, 'ok'],
    ['carriage returns', `example.org ${ours.line}\r\n`, 'ok'],
    ['a star', `*.org ${ours.line}`, 'ok'],
    ['question marks', `ex?mple.o?g ${ours.line}`, 'ok'],
    ['a pattern that does not match', `?example.org ${ours.line}`, 'new'],
    ['a negation after', `*.org,!example.org ${ours.line}`, 'new'],
    ['a negation before', `!example.*,*.org ${ours.line}`, 'new'],
    ['a negation alone', `!example.com ${ours.line}`, 'new'],
    ['a negation of another', `*.org,!other.org ${ours.line}`, 'ok'],
    ['brackets are no pattern', `[e]xample.org ${ours.line}`, 'new'],
    ['a dot is no pattern', `example-org ${ours.line}`, 'new'],
    ['bad base64', `example.org ssh-ed25519 !!!!`, 'new'],
    ['a type that is not in the blob', `example.org ssh-rsa ${ours.line.split(' ')[1]}`, 'new'],
    ['a short line', 'example.org ssh-ed25519', 'new'],
    ['SSH 1', 'example.org 1024 35 123456789', 'new'],
    ['an unknown marker', `@strange example.org ${ours.line}`, 'new'],
    ['a certificate authority', `@cert-authority *.org ${ours.line}`, 'new'],
    ['revoked', `@revoked example.org ${ours.line}`, 'revoked'],
    ['revoked everywhere', `@revoked * ${ours.line}`, 'revoked'],
    ['revoked and known', `example.org ${ours.line}\n@revoked * ${ours.line}`, 'revoked'],
    ['another one revoked', `@revoked * ${other.line}\nexample.org ${ours.line}`, 'ok'],
    ['only another one revoked', `@revoked * ${other.line}`, 'new'],
  ])('%s', (_, text, expected) => {
    expect(state(text)).toBe(expected);
  });

  test.each(['rsa-sha2-256', 'rsa-sha2-512'])('a line of the type %s holds an RSA key', (type) => {
    const [, encoded] = rsa.line.split(' ');
    const text = `example.org ${type} ${encoded}`;
    expect(judge(text, 'example.org', 22, rsa.blob)).toEqual({ state: 'ok', where: ['kh:1'], knownTypes: ['ssh-rsa'] });
    expect(state(`example.org ${type} ${ours.line.split(' ')[1]}`)).toBe('new');
  });

  test('knows the types that are there, and where', () => {
    expect(judge(`example.org ${other.line}\nexample.org ${rsa.line}\nexample.org ${rsa.line}`)).toEqual({
      state: 'changed',
      where: ['kh:1', 'kh:2', 'kh:3'],
      knownTypes: ['ssh-ed25519', 'ssh-rsa'],
    });
  });

  describe('ports', () => {
    test('in brackets', () => {
      expect(state(`[example.org]:2222 ${ours.line}`, 'Example.org', 2222)).toBe('ok');
      expect(state(`[example.org]:2222 ${ours.line}`, 'example.org', 2223)).toBe('new');
      expect(state(`[example.org]:2222 ${ours.line}`)).toBe('new');
      expect(state(`[example.org]:22 ${ours.line}`)).toBe('new');
    });

    test('a line with the bare host can confirm a key, but does not make another one a changed key', () => {
      expect(state(`example.org ${ours.line}`, 'example.org', 2222)).toBe('ok');
      expect(state(`example.org ${other.line}`, 'example.org', 2222)).toBe('new');
      expect(state(`@revoked example.org ${ours.line}`, 'example.org', 2222)).toBe('revoked');
      expect(state(`[example.org]:2222 ${other.line}\nexample.org ${ours.line}`, 'example.org', 2222)).toBe('ok');
    });

    test('IPv6', () => {
      expect(state(`[::1]:2222 ${ours.line}`, '::1', 2222)).toBe('ok');
      expect(state(`::1 ${ours.line}`, '::1')).toBe('ok');
    });
  });

  test('an alias replaces host and port', () => {
    expect(state(`backup ${ours.line}`, 'example.org', 2222, ours.blob, 'backup')).toBe('ok');
    expect(state(`example.org ${ours.line}`, 'example.org', 22, ours.blob, 'backup')).toBe('new');
  });

  test('hashed names', () => {
    const salt = Buffer.alloc(20, 7);
    expect(state(`${hashName('example.org', salt)} ${ours.line}`)).toBe('ok');
    expect(state(`${hashName('[example.org]:2222', salt)} ${other.line}`, 'example.org', 2222)).toBe('changed');
    expect(state(`${hashName('example.com', salt)} ${ours.line}`)).toBe('new');
    expect(state(`|1|broken ${ours.line}`)).toBe('new');
    expect(state(`|2${hashName('example.org', salt).slice(2)} ${ours.line}`)).toBe('new');
  });

  test('several files', () => {
    const files = [
      { file: 'a', text: `example.org ${other.line}` },
      { file: 'b', text: `\nexample.org ${ours.line}` },
    ];
    const known = findKnownKeys(files, lookupNames('example.org', 22));
    expect(judgeKey(known, ours.blob)).toMatchObject({ state: 'ok', where: ['b:2'] });
    expect(judgeKey(known, rsa.blob)).toMatchObject({ state: 'changed', where: ['a:1', 'b:2'] });
  });

  test('no pattern makes matching slow', () => {
    const begin = performance.now();
    expect(state(`${'*a'.repeat(500)}b ${ours.line}`, 'a'.repeat(1000))).toBe('new');
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  test('a file hashed by ssh-keygen', async (context) => {
    skipWithout(context, ['ssh-keygen']);
    const dir = await makeTempDir();
    onTestFinished(dir.remove);
    for (const type of ['ed25519', 'rsa', 'ecdsa']) {
      await runOk('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', dir.file(type)]);
    }
    const [ed25519 = '', rsaKey = '', ecdsa = ''] = await Promise.all(
      ['ed25519', 'rsa', 'ecdsa'].map((type) => readFile(dir.file(`${type}.pub`), 'utf8')),
    );
    const lines = `# example.org:2222 SSH-2.0-x\n[example.org]:2222 ${ed25519}other.org,10.0.0.1 ${rsaKey}[::1]:2022 ${ecdsa}`;
    await writeFile(dir.file('known'), lines);
    await runOk('ssh-keygen', ['-H', '-f', dir.file('known')]);
    const text = await readFile(dir.file('known'), 'utf8');
    expect(text).not.toContain('example.org]');
    const blob = (line: string) => Buffer.from(line.split(' ')[1] ?? '', 'base64');
    expect(state(text, 'example.org', 2222, blob(ed25519))).toBe('ok');
    expect(state(text, 'other.org', 22, blob(rsaKey))).toBe('ok');
    expect(state(text, '10.0.0.1', 22, blob(rsaKey))).toBe('ok');
    expect(state(text, '::1', 2022, blob(ecdsa))).toBe('ok');
    expect(state(text, 'example.org', 2222, blob(rsaKey))).toBe('changed');
    expect(state(text, 'example.org', 22, blob(ed25519))).toBe('new');
  });
});
