import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { fingerprintOf } from '../../../../../src/remotes/sftp/ssh/host-key.ts';
import { HostKeyPolicy } from '../../../../../src/remotes/sftp/ssh/host-key-policy.ts';
import type { HostKeyQuestion, Interaction } from '../../../../../src/remotes/sftp/ssh/interaction.ts';
import { resolveSshOptions } from '../../../../../src/remotes/sftp/ssh/resolve-options.ts';
import type { SshInput } from '../../../../../src/remotes/sftp/ssh/ssh-options.ts';
import { makeTempDir, type TempDir } from '../../../../support/temp-dir.ts';

function ed25519(): Buffer {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), raw]);
}

const blob = ed25519();
const other = ed25519();
const lineOf = (key: Buffer) => `ssh-ed25519 ${key.toString('base64')}`;

describe('HostKeyPolicy', () => {
  let dir: TempDir;
  let warnings: string[];
  let questions: HostKeyQuestion[];

  beforeEach(async () => {
    dir = await makeTempDir();
    onTestFinished(dir.remove);
    warnings = [];
    questions = [];
  });

  function answering(trust: boolean): Interaction {
    return {
      secret: async () => undefined,
      trustHostKey: async (question) => {
        questions.push(question);
        return trust;
      },
    };
  }

  function policy(options: string[] = [], interaction?: Interaction, input: Partial<SshInput> = {}): HostKeyPolicy {
    const environment = { home: dir.path, user: 'me', variables: {} };
    const base = { host: 'example.org', port: 2222, connectTimeoutMs: 1, stallTimeoutMs: 1 };
    const settings = resolveSshOptions(
      { ...base, options: ['GlobalKnownHostsFile=none', ...options], ...input },
      environment,
    );
    return new HostKeyPolicy(settings, interaction, (message) => warnings.push(message));
  }

  const file = () => dir.file('.ssh', 'known_hosts');
  const known = () => readFile(file(), 'utf8').catch(() => '');
  const knows = async (text: string) => {
    await policy(['StrictHostKeyChecking=accept-new']).check(other);
    await writeFile(file(), text);
  };

  async function failure(checking: Promise<unknown>): Promise<CopyError> {
    const result = await checking.catch((error: unknown) => error);
    if (!(result instanceof CopyError)) throw new Error('accepted');
    return result;
  }

  test('without a user to ask, an unknown key is refused with its fingerprint', async () => {
    const error = await failure(policy().check(blob));
    expect(error).toMatchObject({ code: 'host-key-unknown', exitCode: 6 });
    expect(error.message).toBe(`The key of [example.org]:2222 is not known: ssh-ed25519 ${fingerprintOf(blob)}.`);
    expect(error.advice).toContain(`--pin-host-key ${fingerprintOf(blob)}`);
    expect(await known()).toBe('');
  });

  test('asks, and stores the key after a yes', async () => {
    expect(await policy([], answering(true)).check(blob)).toEqual({ arePasswordsAllowed: true });
    expect(questions).toEqual([
      { host: '[example.org]:2222', keyType: 'ssh-ed25519', fingerprint: fingerprintOf(blob) },
    ]);
    expect(await known()).toBe(`[example.org]:2222 ${lineOf(blob)}\n`);
    await policy(['StrictHostKeyChecking=yes']).check(blob);
  });

  test('asks, and refuses the key after a no', async () => {
    expect((await failure(policy([], answering(false)).check(blob))).code).toBe('host-key-unknown');
    expect(await known()).toBe('');
  });

  test.each([
    ['yes', {}],
    ['ask', { batch: true }],
  ])('StrictHostKeyChecking=%s, %j: does not ask', async (strict, input) => {
    const checking = policy([`StrictHostKeyChecking=${strict}`], answering(true), input).check(blob);
    expect((await failure(checking)).code).toBe('host-key-unknown');
    expect(questions).toEqual([]);
  });

  test.each(['accept-new', 'no'])('%s takes a new key without asking', async (strict) => {
    await policy([`StrictHostKeyChecking=${strict}`], answering(false)).check(blob);
    expect(questions).toEqual([]);
    expect(await known()).toContain(lineOf(blob));
  });

  test.each(['accept-new', 'ask', 'yes'])('%s refuses a changed key, and says what to do', async (strict) => {
    await knows(`# x\n[example.org]:2222 ${lineOf(other)}\n`);
    const error = await failure(policy([`StrictHostKeyChecking=${strict}`], answering(true)).check(blob));
    expect(error.code).toBe('host-key-changed');
    expect(error.message).toContain(fingerprintOf(blob));
    expect(error.message).toContain(`${file()}:2`);
    expect(error.advice).toContain(`ssh-keygen -f ${file()} -R '[example.org]:2222'`);
    expect(questions).toEqual([]);
  });

  test('"no" continues with a changed key without passwords, and warns', async () => {
    await knows(`[example.org]:2222 ${lineOf(other)}\n`);
    expect(await policy(['StrictHostKeyChecking=no']).check(blob)).toEqual({ arePasswordsAllowed: false });
    expect(warnings).toHaveLength(1);
  });

  test.each(['accept-new', 'no', 'ask'])('%s refuses a revoked key', async (strict) => {
    await knows(`@revoked * ${lineOf(blob)}\n`);
    const checking = policy([`StrictHostKeyChecking=${strict}`], answering(true)).check(blob);
    expect(await failure(checking)).toMatchObject({
      code: 'host-key-revoked',
      message: expect.stringContaining(`${file()}:1`),
    });
  });

  describe('RevokedHostKeys', () => {
    const revoking = async (bytes: string | Buffer) => {
      await knows(`[example.org]:2222 ${lineOf(blob)}\n[example.org]:2222 ${lineOf(other)}\n`);
      await writeFile(dir.file('revoked'), bytes);
      return policy([`RevokedHostKeys=${dir.file('revoked')}`, 'StrictHostKeyChecking=no'], answering(true));
    };

    test('a key in the file is refused, and no other', async () => {
      const keys = await revoking(`# gone\n\n${lineOf(blob)} with a comment\n`);
      expect(await failure(keys.check(blob))).toMatchObject({
        code: 'host-key-revoked',
        message: expect.stringContaining(`${dir.file('revoked')}:3`),
      });
      await keys.check(other);
      expect((await failure(keys.checkAgain(blob, other))).code).toBe('host-key-revoked');
    });

    test.each([
      ['that is a binary list', Buffer.from('SSHKRL\n\0\0\0\0\x01', 'latin1')],
      ['that is missing', undefined],
    ])('with a file %s, no key is accepted', async (_, bytes) => {
      const keys = await revoking(bytes ?? '');
      if (bytes === undefined) await rm(dir.file('revoked'));
      expect(await failure(keys.check(blob))).toMatchObject({
        code: 'host-key-revoked',
        advice: expect.stringContaining('--ssh'),
      });
    });
  });

  describe('pins', () => {
    const pinned = { pinnedHostKeys: [`SHA256:${'A'.repeat(43)}`, fingerprintOf(blob)] };

    test('accept this key and no other, whatever known_hosts contains', async () => {
      await knows(`[example.org]:2222 ${lineOf(other)}\n`);
      await policy([], undefined, pinned).check(blob);
      const error = await failure(policy(['StrictHostKeyChecking=no'], answering(true), pinned).check(other));
      expect(error.code).toBe('host-key-changed');
    });

    test('do not accept a revoked key', async () => {
      await knows(`@revoked * ${lineOf(blob)}\n`);
      expect((await failure(policy([], undefined, pinned).check(blob))).code).toBe('host-key-revoked');
    });
  });

  test('later connections show the same key, or another that is known', async () => {
    await knows(`[example.org]:2222 ${lineOf(other)}\n`);
    await policy().checkAgain(blob, blob);
    await policy().checkAgain(other, blob);
    const error = await failure(policy().checkAgain(ed25519(), blob));
    expect(error).toMatchObject({ code: 'host-key-changed', scope: 'connection', retry: false });
  });

  test('known types come first', async () => {
    const rsa = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), Buffer.from([0, 0, 0, 1, 1])]);
    await knows(`[example.org]:2222 ssh-rsa ${rsa.toString('base64')}\n`);
    expect((await policy().algorithms()).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
    expect((await policy(['HostKeyAlgorithms=ssh-ed25519,ssh-rsa']).algorithms())[0]).toBe('ssh-ed25519');
    expect((await policy([], undefined, { host: 'elsewhere' }).algorithms())[0]).toBe('ssh-ed25519');
  });

  test('a file that cannot be written is a warning', async () => {
    await policy(['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${dir.path}`]).check(blob);
    expect(warnings).toHaveLength(1);
  });

  test('a certificate authority in known_hosts is named in the error', async () => {
    await knows(`@cert-authority * ${lineOf(other)}\n`);
    expect((await failure(policy().check(blob))).message).toContain(`certificate authority in ${file()}:1`);
  });
});
