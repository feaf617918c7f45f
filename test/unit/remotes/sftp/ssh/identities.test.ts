import { chmod, copyFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { listAgentIdentities } from '../../../../../src/remotes/sftp/ssh/agent.ts';
import { Identities } from '../../../../../src/remotes/sftp/ssh/identities.ts';
import type { Identity } from '../../../../../src/remotes/sftp/ssh/identity.ts';
import { loadKeyFile } from '../../../../../src/remotes/sftp/ssh/key-files.ts';
import { resolveSshOptions } from '../../../../../src/remotes/sftp/ssh/resolve-options.ts';
import type { SshInput } from '../../../../../src/remotes/sftp/ssh/ssh-options.ts';
import { describeWithServers } from '../../../../support/describe-with-servers.ts';
import { type RunningProcess, runOk, startProcess } from '../../../../support/process.ts';
import { makeTempDir, type TempDir } from '../../../../support/temp-dir.ts';

/** Of the derivation from a passphrase, which is to take long: sixteen by default. */
const ONE_ROUND = ['-a', '1'];

describeWithServers(['ssh-keygen'], 'identities', () => {
  let dir: TempDir;

  beforeAll(async () => {
    dir = await makeTempDir('identities');
    const make = (name: string, ...args: string[]) =>
      runOk('ssh-keygen', ['-q', '-C', name, '-f', dir.file(name), ...args]);
    await runOk('mkdir', [dir.file('.ssh')]);
    await Promise.all([
      make('ed25519', '-t', 'ed25519', '-N', ''),
      make('rsa', '-t', 'rsa', '-b', '2048', '-N', ''),
      make('ecdsa', '-t', 'ecdsa', '-N', ''),
      make('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', ''),
      make('locked', '-t', 'ed25519', '-N', 'right', ...ONE_ROUND),
      make('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8', '-N', ''),
      make('locked_pkcs8', '-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', 'right'),
      make('locked_pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'right'),
      make('.ssh/id_ed25519', '-t', 'ed25519', '-N', 'right', ...ONE_ROUND),
      make('.ssh/id_rsa', '-t', 'rsa', '-b', '2048', '-N', ''),
    ]);
    await rm(dir.file('locked.pub'));
  });

  afterAll(() => dir.remove());

  /** Signs and checks with the public half, as a server would. */
  async function works(identity: Identity): Promise<boolean> {
    const data = Buffer.from('data');
    const isRsa = identity.publicKey.type === 'ssh-rsa';
    const signature = await identity.sign(data, isRsa ? 'sha256' : undefined);
    return identity.publicKey.verify(data, signature, isRsa ? 'sha256' : undefined) === true;
  }

  function identities(
    input: Partial<SshInput>,
    variables: Record<string, string> = {},
    answers?: (string | undefined)[],
  ) {
    const environment = { home: dir.path, user: 'me', variables };
    const settings = resolveSshOptions({ host: 'h', connectTimeoutMs: 1, stallTimeoutMs: 1, ...input }, environment);
    const prompts: string[] = [];
    const interaction = answers && {
      secret: async (prompt: string, problem?: string) => {
        prompts.push(problem === undefined ? prompt : `${problem} ${prompt}`);
        return answers[prompts.length - 1];
      },
      trustHostKey: async () => false,
    };
    return { keys: new Identities(settings.authentication, interaction, environment), prompts };
  }

  async function all(keys: Identities): Promise<Identity[]> {
    const found: Identity[] = [];
    for await (const identity of keys.inOrder()) found.push(identity);
    return found;
  }

  const shortLabels = (found: Identity[]) => found.map(({ label }) => label.replace(`${dir.path}/`, ''));

  describe('key files', () => {
    test.each(['ed25519', 'rsa', 'ecdsa', 'pem', 'pkcs8'])('%s signs', async (name) => {
      const { keys } = identities({ identityFiles: [dir.file(name)] });
      const [identity, ...more] = await all(keys);
      expect(more).toEqual([]);
      expect(identity && (await works(identity))).toBe(true);
    });

    test.each([undefined, 'sha1'] as const)(
      'an RSA key signs with SHA-1 (%s) only where that is allowed',
      async (hash) => {
        const input = { identityFiles: [dir.file('rsa')] };
        const usual = identities(input).keys;
        const [identity] = await all(usual);
        await expect(identity!.sign(Buffer.from('data'), hash)).rejects.toThrow('unless it has +ssh-rsa');
        expect(usual.problems).toEqual([expect.stringContaining('sign with ssh-rsa')]);
        const options = ['PubkeyAcceptedAlgorithms=+ssh-rsa'];
        const [allowed] = await all(identities({ ...input, options }).keys);
        expect(await allowed!.sign(Buffer.from('data'), hash)).toBeInstanceOf(Buffer);
      },
    );

    test.each([
      ['ssh-ed25519', ['ed25519']],
      ['-ssh-ed25519', ['rsa', 'ecdsa']],
      ['rsa-sha2-512,sk-ssh-ed25519@openssh.com', ['rsa']],
      ['^ecdsa-sha2-nistp256', ['ed25519', 'rsa', 'ecdsa']],
    ])('PubkeyAcceptedAlgorithms=%s', async (value, expected) => {
      const identityFiles = ['ed25519', 'rsa', 'ecdsa'].map((name) => dir.file(name));
      const { keys } = identities({ identityFiles, options: [`PubkeyAcceptedAlgorithms=${value}`] });
      expect(shortLabels(await all(keys))).toEqual(expected.map((name) => `key ${name}`));
      expect(keys.problems).toHaveLength(3 - expected.length);
    });

    test('an encrypted key has a public half, and asks for a passphrase only to sign, up to three times', async () => {
      const { keys, prompts } = identities({ identityFiles: [dir.file('locked')] }, {}, ['wrong', 'no', 'right']);
      const [identity] = await all(keys);
      expect(identity?.publicKey.type).toBe('ssh-ed25519');
      expect(prompts).toEqual([]);
      expect(identity && (await works(identity))).toBe(true);
      expect(identity && (await works(identity))).toBe(true);
      expect(prompts).toEqual(
        ['', 'That passphrase is wrong. ', 'That passphrase is wrong. '].map(
          (problem) => `${problem}Enter passphrase for key '${dir.file('locked')}': `,
        ),
      );
      const [again] = await all(keys);
      expect(again && (await works(again))).toBe(true);
      expect(prompts).toHaveLength(3);
    });

    test('an encrypted key in PKCS#8 asks for its passphrase', async () => {
      const { keys, prompts } = identities({ identityFiles: [dir.file('locked_pkcs8')] }, {}, ['wrong', 'right']);
      const [identity] = await all(keys);
      expect(identity && (await works(identity))).toBe(true);
      expect(prompts).toHaveLength(2);
    });

    test.each([
      ['the public half', 'ed25519.pub', 'holds only the public half, and no agent has the other one'],
      ['a certificate', 'user-cert.pub', 'is a certificate, which --ssh lets ssh use'],
      ['a key of PuTTY that cannot be read', 'new.ppk', 'puttygen KEY -O private-openssh -o NEW converts it'],
    ])('%s is named as such', async (_, name, problem) => {
      const certificate = `ssh-ed25519-cert-v01@openssh.com ${Buffer.from('anything').toString('base64')} me\n`;
      await writeFile(dir.file('user-cert.pub'), certificate);
      await writeFile(dir.file('new.ppk'), 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: x\n', {
        mode: 0o600,
      });
      const { keys } = identities({ identityFiles: [dir.file(name)] });
      expect(await all(keys)).toEqual([]);
      expect(keys.problems).toEqual([expect.stringContaining(problem)]);
      expect(keys.problems[0]).toContain(dir.file(name));
    });

    test('three wrong passphrases are enough', async () => {
      const { keys, prompts } = identities({ identityFiles: [dir.file('locked')] }, {}, ['a', 'b', 'c', 'right']);
      const [identity] = await all(keys);
      await expect(identity?.sign(Buffer.from('x'), undefined)).rejects.toThrow('no right passphrase');
      expect(prompts).toHaveLength(3);
      expect(keys.problems).toEqual([`${dir.file('locked')}: no right passphrase`]);
    });

    test('the passphrase of the environment is tried once', async () => {
      const right = identities({ identityFiles: [dir.file('locked')] }, { MT_COPY_PASSPHRASE: 'right' });
      const [identity] = await all(right.keys);
      expect(identity && (await works(identity))).toBe(true);
      const wrong = identities({ identityFiles: [dir.file('locked')] }, { MT_COPY_PASSPHRASE: 'wrong' });
      const [other] = await all(wrong.keys);
      await expect(other?.sign(Buffer.from('x'), undefined)).rejects.toThrow('no right passphrase');
    });

    test('an encrypted key of an old format takes its public half from the .pub file, or asks for the passphrase', async () => {
      const beside = identities({ identityFiles: [dir.file('locked_pem')] }, {}, ['right']);
      const [identity] = await all(beside.keys);
      expect(beside.prompts).toEqual([]);
      expect(identity && (await works(identity))).toBe(true);
      await copyFile(dir.file('locked_pem'), dir.file('alone_pem'));
      const alone = identities({ identityFiles: [dir.file('alone_pem')] }, {}, ['right']);
      expect(await all(alone.keys)).toHaveLength(1);
      expect(alone.prompts).toHaveLength(1);
    });

    test('a key file that cannot be used is noted', async () => {
      await writeFile(dir.file('garbage'), 'no key');
      await copyFile(dir.file('ed25519'), dir.file('open'));
      await chmod(dir.file('open'), 0o644);
      const { keys } = identities({ identityFiles: ['missing', 'garbage', 'open'].map((name) => dir.file(name)) });
      expect(await all(keys)).toEqual([]);
      expect(keys.problems).toEqual([
        `${dir.file('missing')}: does not exist`,
        `${dir.file('garbage')}: Unsupported key format`,
        `${dir.file('open')}: others may read it (chmod 600)`,
      ]);
    });

    test('a missing file in a usual place is no problem', async () => {
      expect(await loadKeyFile({ path: dir.file('.ssh/id_ecdsa'), explicit: false })).toBeUndefined();
    });

    test('of the files in the usual places, those that need a passphrase come last', async () => {
      const { keys } = identities({});
      expect(shortLabels(await all(keys))).toEqual(['key .ssh/id_rsa', 'key .ssh/id_ed25519']);
      expect(keys.problems).toEqual([]);
    });
  });

  describe('agent', () => {
    let agent: RunningProcess;
    let socket: string;

    beforeAll(async () => {
      socket = dir.file('agent.sock');
      agent = await startProcess('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise((resolve) => agent.child.stdout?.once('data', resolve));
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      for (const name of ['ed25519', 'rsa', 'ecdsa']) await runOk('ssh-add', ['-q', dir.file(name)], { env });
    });

    afterAll(async () => {
      await agent?.stop();
    });

    test('lists its keys, and each signs', async () => {
      const found = await listAgentIdentities(socket);
      expect(found.map(({ label }) => label)).toEqual(['agent key ed25519', 'agent key rsa', 'agent key ecdsa']);
      for (const identity of found.filter(({ publicKey }) => publicKey.type !== 'ecdsa-sha2-nistp256')) {
        expect(await works(identity)).toBe(true);
      }
      const ecdsa = found.find(({ publicKey }) => publicKey.type === 'ecdsa-sha2-nistp256');
      expect(ssh2.utils.parseKey(ecdsa?.publicKey.getPublicSSH() ?? '')).not.toBeInstanceOf(Error);
      expect((await ecdsa?.sign(Buffer.from('x'), undefined))?.length).toBeGreaterThan(64);
    });

    test('the order: named keys, other keys of the agent, usual files, of which those with a passphrase last', async () => {
      const named = identities({ identityFiles: [dir.file('pem'), dir.file('ecdsa')] }, { SSH_AUTH_SOCK: socket });
      expect(shortLabels(await all(named.keys))).toEqual([
        'key pem',
        'agent key ecdsa',
        'agent key ed25519',
        'agent key rsa',
      ]);
      const usual = identities({}, { SSH_AUTH_SOCK: socket });
      expect(shortLabels(await all(usual.keys))).toEqual([
        'agent key ed25519',
        'agent key rsa',
        'agent key ecdsa',
        'key .ssh/id_rsa',
        'key .ssh/id_ed25519',
      ]);
    });

    test('IdentitiesOnly leaves out the other keys of the agent; a public key file is enough to name a key', async () => {
      const only = { identityFiles: [dir.file('rsa.pub')], options: ['IdentitiesOnly=yes'] };
      expect(shortLabels(await all(identities(only, { SSH_AUTH_SOCK: socket }).keys))).toEqual(['agent key rsa']);
      expect(shortLabels(await all(identities(only).keys))).toEqual([]);
    });

    test('an agent that does not exist is noted', async () => {
      const { keys } = identities({ identityFiles: [dir.file('pem')] }, { SSH_AUTH_SOCK: dir.file('nothing.sock') });
      expect(await all(keys)).toHaveLength(1);
      expect(keys.problems).toEqual([`the agent at ${dir.file('nothing.sock')} does not answer`]);
    });

    async function silentAgent(answer: (socket: Socket) => void): Promise<string> {
      const path = dir.file('silent.sock');
      const server = createServer((socket) => {
        socket.on('error', () => {});
        onTestFinished(() => void socket.destroy());
        answer(socket);
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
      return path;
    }

    test.each([
      ['says nothing', () => {}],
      [
        'says a byte now and then',
        (socket: Socket) => {
          const timer = setInterval(() => socket.write('\0'), 100);
          onTestFinished(() => clearInterval(timer));
        },
      ],
    ])(
      'an agent that %s is given up soon, once a run, and it is told',
      async (_what, answer) => {
        const path = await silentAgent(answer);
        const warnings: string[] = [];
        const environment = { home: dir.path, user: 'me', variables: { SSH_AUTH_SOCK: path } };
        const settings = resolveSshOptions({ host: 'h', identityFiles: [dir.file('pem')] }, environment);
        const keys = new Identities(settings.authentication, undefined, environment, (message) =>
          warnings.push(message),
        );
        // Nothing waits five seconds any more: two rounds would.
        for (let round = 0; round < 3; round++) expect(await all(keys)).toHaveLength(1);
        expect(warnings).toEqual([`The keys of an agent are not used: the agent at ${path} does not answer.`]);
      },
      4500,
    );
  });
});
