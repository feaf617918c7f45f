/** known_hosts is understood as by ssh and ssh-keygen: both are asked about the same files. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findKnownKeys, hashName, judgeKey, lookupNames } from '../../src/remotes/sftp/ssh/known-hosts.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { run } from '../support/process.ts';
import { makeKey, publicKey } from '../support/ssh-keys.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';

interface Case {
  readonly what: string;
  /** `OURS`, `OTHER` and `RSA` stand for type and key: the server's, another of its type, one of another type. */
  readonly text: string;
  /** `HostKeyAlias`. Default: `example.org`; null: none, so that the name is `[127.0.0.1]:PORT`. */
  readonly alias?: string | null;
  /** The line is of the host, but has no key that ssh could use: ssh-keygen finds it all the same. */
  readonly hasNoKey?: boolean;
}

const HASHED = hashName('example.org', Buffer.alloc(20, 7));
const HASHED_OTHER = hashName('example.com', Buffer.alloc(20, 8));

const CASES: readonly Case[] = [
  { what: 'nothing', text: '' },
  { what: 'the key', text: 'example.org OURS' },
  { what: 'another host', text: 'example.com OURS' },
  { what: 'another key', text: 'example.org OTHER' },
  { what: 'a key of another type', text: 'example.org RSA' },
  { what: 'another key, then ours', text: 'example.org OTHER\nexample.org OURS' },
  { what: 'ours, then another key', text: 'example.org OURS\nexample.org OTHER' },
  { what: 'one of several names', text: 'a,example.org,b OURS' },
  { what: 'a name after a comma and a blank', text: 'a, example.org OURS' },
  { what: 'upper case', text: 'EXAMPLE.Org OURS' },
  { what: 'tabs', text: 'example.org\tOURS' },
  { what: 'blanks before the name', text: '  example.org OURS' },
  { what: 'a comment after the key', text: 'example.org OURS root@example # text' },
  { what: 'a comment line', text: '# example.org OTHER\nexample.org OURS' },
  { what: 'empty lines', text: '\n\nexample.org OURS\n\n' },
  { what: 'carriage returns', text: 'example.org OURS\r\n' },
  { what: 'no newline at the end', text: 'example.org OURS' },
  { what: 'a star', text: '*.org OURS' },
  { what: 'a star for everything', text: '* OURS' },
  { what: 'question marks', text: 'ex?mple.o?g OURS' },
  { what: 'a question mark for nothing', text: '?example.org OURS' },
  { what: 'a negation after', text: '*.org,!example.org OURS' },
  { what: 'a negation before', text: '!example.*,*.org OURS' },
  { what: 'a negation alone', text: '!example.com OURS' },
  { what: 'a negation of another host', text: '*.org,!other.org OURS' },
  { what: 'a negation in the line of another key', text: '*.org,!example.org OTHER\nexample.org OURS' },
  { what: 'brackets, which are no pattern', text: '[e]xample.org OURS' },
  { what: 'a hashed name', text: `${HASHED} OURS` },
  { what: 'the hashed name of another host', text: `${HASHED_OTHER} OURS` },
  { what: 'a hashed name with another key', text: `${HASHED} OTHER` },
  { what: 'a hashed name in a list', text: `${HASHED},other OURS` },
  { what: 'a damaged hash', text: `${HASHED.slice(0, -6)} OURS` },
  { what: 'a key that is no base64', text: 'example.org ssh-ed25519 !!!!', hasNoKey: true },
  { what: 'a type that is not in the key', text: 'example.org ssh-rsa KEY', hasNoKey: true },
  { what: 'a line without a key', text: 'example.org ssh-ed25519\nexample.org OURS' },
  { what: 'an unknown marker', text: '@strange example.org OURS' },
  { what: 'a certificate authority', text: '@cert-authority *.org OURS' },
  { what: 'a revoked key', text: '@revoked example.org OURS' },
  { what: 'a key that is revoked everywhere', text: '@revoked * OURS' },
  { what: 'a key that is known and revoked', text: 'example.org OURS\n@revoked * OURS' },
  { what: 'another key is revoked', text: '@revoked * OTHER\nexample.org OURS' },
  { what: 'only another key is revoked', text: '@revoked * OTHER' },
  { what: 'an alias', text: 'backup OURS', alias: 'backup' },
  { what: 'an alias in capitals', text: 'backup OURS', alias: 'BackUp' },
  { what: 'a port in brackets', text: '[127.0.0.1]:PORT OURS', alias: null },
  { what: 'another port', text: '[127.0.0.1]:1 OURS', alias: null },
  { what: 'another key at the port', text: '[127.0.0.1]:PORT OTHER', alias: null },
  { what: 'only the bare address', text: '127.0.0.1 OURS', alias: null },
  { what: 'another key at the bare address', text: '127.0.0.1 OTHER', alias: null },
  { what: 'a pattern of addresses and ports', text: '[127.0.0.*]:* OURS', alias: null },
];

describeWithServers(['sshd'], 'known_hosts', () => {
  let server: TestServer;
  let dir: TempDir;
  let keys: Readonly<Record<string, string>>;

  beforeAll(async () => {
    [server, dir] = await Promise.all([startSshd({ hostKeyTypes: ['ed25519'] }), makeTempDir()]);
    await Promise.all([makeKey(dir.file('other'), 'ed25519'), makeKey(dir.file('rsa'), 'rsa')]);
    const ours = await publicKey(`${server.dir}/host_ed25519`);
    const [other, rsa] = await Promise.all([publicKey(dir.file('other')), publicKey(dir.file('rsa'))]);
    keys = { OURS: ours, OTHER: other, RSA: rsa, KEY: ours.split(' ')[1]!, PORT: `${server.port}` };
  });
  afterAll(async () => void (await Promise.all([server?.stop(), dir?.remove()])));

  async function placed({ text, what }: Case): Promise<{ readonly file: string; readonly text: string }> {
    const filled = text.replace(/\b(OURS|OTHER|RSA|KEY|PORT)\b/g, (name) => keys[name]!);
    const file = dir.file(what.replaceAll(/\W/g, '-'));
    await writeFile(file, filled);
    return { file, text: filled };
  }

  function namesOf({ alias = 'example.org' }: Case): ReturnType<typeof lookupNames> {
    return lookupNames('127.0.0.1', server.port, alias ?? undefined);
  }

  describe.each(CASES)('$what', (one) => {
    test('is judged as by ssh', async () => {
      const { alias = 'example.org' } = one;
      const known = await placed(one);
      const blob = Buffer.from(keys['KEY']!, 'base64');
      const { state } = judgeKey(findKnownKeys([known], namesOf(one)), blob);
      const theirs = await askedSsh(server, known.file, alias);
      expect(state).toBe(theirs);
    });

    test('has the lines that ssh-keygen finds', async () => {
      const known = await placed(one);
      const { name } = namesOf(one);
      const ours = findKnownKeys([known], { name }).map(({ where }) => Number(where.slice(where.lastIndexOf(':') + 1)));
      const { stdout } = await run('ssh-keygen', ['-F', name, '-f', known.file]);
      const theirs = [...stdout.matchAll(/^# Host .* found: line (\d+)/gm)].map(([, line]) => Number(line));
      expect(ours).toEqual(one.hasNoKey ? [] : theirs);
    });
  });
});

/** What ssh does with the key of the server. */
async function askedSsh(server: TestServer, file: string, alias: string | null): Promise<string> {
  const options = [
    ...['BatchMode=yes', 'StrictHostKeyChecking=yes', 'HostKeyAlgorithms=ssh-ed25519', 'IdentitiesOnly=yes'],
    ...[`UserKnownHostsFile=${file}`, 'GlobalKnownHostsFile=none', 'UpdateHostKeys=no'],
    ...(alias === null ? [] : [`HostKeyAlias=${alias}`]),
  ].flatMap((option) => ['-o', option]);
  const to = ['-p', `${server.port}`, '-i', server.identityFile, '-l', server.user, '--', server.host, 'true'];
  const { code, stderr } = await run('ssh', ['-F', 'none', ...options, ...to]);
  if (code === 0) return 'ok';
  if (/REVOKED HOST KEY/.test(stderr)) return 'revoked';
  if (/HOST IDENTIFICATION HAS CHANGED/.test(stderr)) return 'changed';
  if (/No .* host key is known/.test(stderr)) return 'new';
  throw new Error(`ssh ended with ${code}: ${stderr}`);
}
