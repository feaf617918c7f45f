import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { resolveSshRoute } from '../../../../../src/remotes/sftp/ssh/resolve-route.ts';
import type { SshInput } from '../../../../../src/remotes/sftp/ssh/ssh-options.ts';
import type { SshSettings } from '../../../../../src/remotes/sftp/ssh/ssh-settings.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';

/** The hosts from here to the server, as `user@host:port`. */
async function way(config: string, input: Partial<SshInput> = {}): Promise<string[]> {
  const home = (await tempDirForTest()).path;
  await mkdir(join(home, '.ssh'));
  await writeFile(join(home, '.ssh/config'), config, { mode: 0o600 });
  const environment = { home, user: 'me', variables: {}, systemDirectory: home };
  const hosts: string[] = [];
  let settings: SshSettings | undefined = resolveSshRoute({ host: 'nas', ...input }, environment, () => {});
  for (; settings !== undefined; settings = settings.jump) {
    hosts.unshift(`${settings.user}@${settings.host}:${settings.port}`);
  }
  return hosts;
}

const BOX = 'Host box\n  HostName box.lan\n  User boxer\n  Port 2200\n';

test.each([
  ['nothing', '', {}, ['me@nas:22']],
  ['a host as it is', 'Host nas\n  ProxyJump gate\n', {}, ['me@gate:22', 'me@nas:22']],
  ['user and port', 'Host nas\n  ProxyJump joe@gate:2222\n', {}, ['joe@gate:2222', 'me@nas:22']],
  ['a URL', 'Host nas\n  ProxyJump ssh://joe@gate:2222\n', {}, ['joe@gate:2222', 'me@nas:22']],
  ['an IPv6 address', 'Host nas\n  ProxyJump [fe80::1]:2222\n', {}, ['me@fe80::1:2222', 'me@nas:22']],
  ['an alias', `Host nas\n  ProxyJump box\n${BOX}`, {}, ['boxer@box.lan:2200', 'me@nas:22']],
  ['what is written beats the alias', `${BOX}`, { jumps: 'joe@box:1' }, ['joe@box.lan:1', 'me@nas:22']],
  ['two hosts', 'Host nas\n  ProxyJump a,b\n', {}, ['me@a:22', 'me@b:22', 'me@nas:22']],
  ['three hosts, by -J', '', { jumps: 'a,u@b:9,[::1]:8' }, ['me@a:22', 'u@b:9', 'me@::1:8', 'me@nas:22']],
  [
    'the way of the host on the way',
    'Host nas\n  ProxyJump b\nHost b\n  ProxyJump a\n',
    {},
    ['me@a:22', 'me@b:22', 'me@nas:22'],
  ],
  ['-J beats the file', 'Host nas\n  ProxyJump b\n', { jumps: 'a' }, ['me@a:22', 'me@nas:22']],
  ['none', 'Host nas\n  ProxyJump none\nHost *\n  ProxyJump a\n', {}, ['me@nas:22']],
  ['none with a comment', 'Host nas\n  ProxyJump none # directly\n', {}, ['me@nas:22']],
  ['tokens', 'Host nas\n  HostName x.lan\n  ProxyJump %r@gate-%n.%h:%p\n', {}, ['me@gate-nas.x.lan:22', 'me@x.lan:22']],
  ['a user with an at sign', '', { jumps: 'u@dom@gate' }, ['u@dom@gate:22', 'me@nas:22']],
  ['a command before it', 'Host nas\n  ProxyCommand nc\n  ProxyJump a\n', {}, ['me@nas:22']],
  ['a command after it', 'Host nas\n  ProxyJump a\n  ProxyCommand nc\n', {}, ['me@a:22', 'me@nas:22']],
  [
    'lines for all hosts',
    'Host a\n  ProxyJump none\nHost *\n  User all\n  ProxyJump a\n',
    {},
    ['all@a:22', 'all@nas:22'],
  ],
  [
    'the user of the server is not that of the jump host',
    '',
    { user: 'u', port: 9, jumps: 'a' },
    ['me@a:22', 'u@nas:9'],
  ],
] as const)('%s', async (_, config, input, hosts) => {
  expect(await way(config, input)).toEqual(hosts);
});

test.each([
  ['a host through itself', 'Host *\n  ProxyJump a\n', 'more than 8 hosts are on the way'],
  ['a blank', 'Host nas\n  ProxyJump a, b\n', 'is not right'],
  ['no host', 'Host nas\n  ProxyJump a,,b\n', 'is not right'],
  ['a host that begins with a dash', 'Host nas\n  ProxyJump -oProxyCommand=x\n', 'is not right'],
  ['a user that begins with a dash', 'Host nas\n  ProxyJump -l@a\n', 'is not right'],
  ['a port that is none', 'Host nas\n  ProxyJump a:70000\n', 'is not right'],
])('%s is refused', async (_, config, text) => {
  const failing = way(config);
  await expect(failing).rejects.toBeInstanceOf(CopyError);
  await expect(failing).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(text) });
});
