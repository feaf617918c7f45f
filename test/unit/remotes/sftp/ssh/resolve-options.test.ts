import { describe, expect, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { parseDirective } from '../../../../../src/remotes/sftp/ssh/config/directive.ts';
import { resolveSshOptions } from '../../../../../src/remotes/sftp/ssh/resolve-options.ts';
import type { SshInput } from '../../../../../src/remotes/sftp/ssh/ssh-options.ts';

const environment = { home: '/home/me', user: 'me', variables: { SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' } };

function resolve(input: Partial<SshInput> = {}) {
  return resolveSshOptions({ host: 'Example.org', stallTimeoutMs: 30_000, ...input }, environment);
}

const withOptions = (...options: string[]) => resolve({ options });

function usage(action: () => unknown): CopyError {
  try {
    action();
  } catch (error) {
    if (error instanceof CopyError && error.code === 'usage') return error;
    throw error;
  }
  throw new Error('no error');
}

describe('resolveSshOptions', () => {
  test('defaults', () => {
    expect(resolve()).toEqual({
      typedHost: 'Example.org',
      host: 'example.org',
      port: 22,
      user: 'me',
      addressFamily: 0,
      connectTimeoutMs: 15_000,
      keepaliveIntervalMs: 10_000,
      batch: false,
      asksForEach: false,
      compression: false,
      fastPath: true,
      hostKeys: {
        userFiles: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'],
        globalFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
        revokedFiles: [],
        hashNames: false,
        pins: [],
      },
      authentication: {
        methods: ['publickey', 'keyboard-interactive', 'password'],
        identityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => ({
          path: `/home/me/.ssh/${name}`,
          explicit: false,
        })),
        identitiesOnly: false,
        agentSocket: '/run/agent',
        keyAlgorithms: [
          'ssh-ed25519',
          ...['nistp256', 'nistp384', 'nistp521'].map((curve) => `ecdsa-sha2-${curve}`),
          ...['rsa-sha2-512', 'rsa-sha2-256'],
        ],
        passwordPrompts: 3,
      },
      algorithms: expect.objectContaining({ hostKeysChosen: false }),
    });
  });

  test('the order of ciphers', () => {
    expect(resolve().algorithms.ciphers).toEqual([
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'chacha20-poly1305@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
    ]);
  });

  test('keywords of any case, with = or a blank, and quotes', () => {
    const settings = withOptions(
      'PORT=2222',
      'user  bob',
      ' hostname = "box.lan" ',
      'BatchMode=yes',
      'AddressFamily inet6',
    );
    expect(settings).toMatchObject({
      port: 2222,
      user: 'bob',
      host: 'box.lan',
      typedHost: 'Example.org',
      batch: true,
      addressFamily: 6,
    });
  });

  test('flags beat -o, the first -o beats the others', () => {
    expect(
      resolve({
        port: 1,
        user: 'a',
        addressFamily: 4,
        ciphers: 'aes128-ctr',
        options: ['Port=2', 'User=b', 'AddressFamily=inet6', 'Ciphers=aes256-ctr'],
      }),
    ).toMatchObject({ port: 1, user: 'a', addressFamily: 4, algorithms: { ciphers: ['aes128-ctr'] } });
    expect(withOptions('Port=2', 'Port=3').port).toBe(2);
  });

  test('known_hosts files', () => {
    const { hostKeys } = withOptions(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: OpenSSH writes variables so
      'UserKnownHostsFile=~/a "%d/b c" /k/%h-%p ${OTHER}/%%',
      'GlobalKnownHostsFile=none',
      'HostKeyAlias=backup',
      'HashKnownHosts=yes',
    );
    expect(hostKeys).toEqual({
      userFiles: ['/home/me/a', '/home/me/b c', '/k/example.org-22', '/run/other/%'],
      globalFiles: [],
      revokedFiles: [],
      alias: 'backup',
      hashNames: true,
      pins: [],
    });
  });

  test.each([
    ['yes', 'yes'],
    ['TRUE', 'yes'],
    ['no', 'no'],
    ['off', 'no'],
    ['ask', 'ask'],
    ['accept-new', 'accept-new'],
  ])('StrictHostKeyChecking=%s', (value, strict) => {
    expect(withOptions(`StrictHostKeyChecking=${value}`).hostKeys.strict).toBe(strict);
  });

  test('identities', () => {
    const { authentication } = resolve({
      identityFiles: ['~/k', '/odd%name'],
      options: ['IdentityFile=~/.ssh/%u', 'IdentitiesOnly=yes', 'IdentityAgent=none'],
    });
    expect(authentication.identityFiles).toEqual([
      { path: '/home/me/k', explicit: true },
      { path: '/odd%name', explicit: true },
      { path: '/home/me/.ssh/me', explicit: true },
    ]);
    expect(authentication.identitiesOnly).toBe(true);
    expect(authentication).not.toHaveProperty('agentSocket');
    expect(withOptions('IdentityFile=none').authentication.identityFiles).toEqual([]);
  });

  test.each([
    ['SSH_AUTH_SOCK', '/run/agent'],
    ['$OTHER', '/run/other'],
    ['~/sock', '/home/me/sock'],
  ])('IdentityAgent=%s', (value, socket) => {
    expect(withOptions(`IdentityAgent=${value}`).authentication.agentSocket).toBe(socket);
  });

  test('methods', () => {
    const settings = withOptions(
      'PreferredAuthentications=gssapi-with-mic,password,publickey,keyboard-interactive',
      'KbdInteractiveAuthentication=no',
      'NumberOfPasswordPrompts=1',
    );
    expect(settings.authentication).toMatchObject({ methods: ['password', 'publickey'], passwordPrompts: 1 });
  });

  test('times', () => {
    expect(withOptions('ConnectTimeout=1m30', 'ServerAliveInterval=5', 'ServerAliveCountMax=2')).toMatchObject({
      connectTimeoutMs: 90_000,
      keepaliveIntervalMs: 5000,
    });
    expect(resolve({ stallTimeoutMs: 300 }).keepaliveIntervalMs).toBe(1000);
  });

  test('algorithm lists', () => {
    expect(withOptions('Ciphers=-aes*').algorithms.ciphers).toEqual(['chacha20-poly1305@openssh.com']);
    const { hostKeys, hostKeysChosen } = withOptions('HostKeyAlgorithms=+ssh-rsa').algorithms;
    expect(hostKeys.at(-1)).toBe('ssh-rsa');
    expect(hostKeysChosen).toBe(false);
    expect(withOptions('HostKeyAlgorithms=ssh-rsa').algorithms).toMatchObject({
      hostKeys: ['ssh-rsa'],
      hostKeysChosen: true,
    });
    expect(withOptions('KexAlgorithms=^ecdh-sha2-nistp521').algorithms.keyExchange[0]).toBe('ecdh-sha2-nistp521');
    expect(withOptions('MACs=hmac-sha2-512,hmac-sha2-256').algorithms.macs).toEqual(['hmac-sha2-512', 'hmac-sha2-256']);
  });

  test('pins', () => {
    const pin = `SHA256:${'x'.repeat(43)}`;
    expect(resolve({ pinnedHostKeys: [pin, `${pin}=`] }).hostKeys.pins).toEqual([pin, pin]);
    expect(usage(() => resolve({ pinnedHostKeys: ['MD5:aa'] })).message).toContain('--pin-host-key');
  });

  test.each([
    'Nonsense=1',
    'Port=0',
    'Port=x',
    'Port=2 3',
    'BatchMode=maybe',
    'StrictHostKeyChecking=perhaps',
    'AddressFamily=ipx',
    'ConnectTimeout=soon',
    'Ciphers=rot13',
    'Ciphers=-*',
    'PreferredAuthentications=magic',
    'IdentityFile=%q',
    'IdentityFile=~other/k',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: OpenSSH writes variables so
    'UserKnownHostsFile=${UNSET}/x',
    'User=-oProxyCommand=x',
    'HostName=-x',
    'NumberOfPasswordPrompts=-1',
  ])('%s: refused by name', (option) => {
    const error = usage(() => withOptions(option));
    expect(`${error.message} ${error.advice}`.toLowerCase()).toContain(
      option.startsWith('User=')
        ? 'user'
        : option.startsWith('HostName')
          ? 'host'
          : (option.split('=')[0] ?? '').toLowerCase(),
    );
  });

  test.each(['Port', '=2', ''])('%j is no option', (option) => {
    usage(() => withOptions(option));
  });

  test.each(['-oProxyCommand=x', '', 'a b', 'a\nb'])('host and user %j are refused', (name) => {
    usage(() => resolve({ host: name }));
    usage(() => resolve({ user: name }));
  });

  test('in a file of ssh, algorithms that only ssh has are passed over as long as others are left', () => {
    const inFile = (line: string) => parseDirective(line, 'config line 1')!;
    const resolved = (line: string) => resolveSshOptions({ host: 'h' }, environment, [inFile(line)]).algorithms;
    expect(resolved('MACs umac-128-etm@openssh.com,hmac-sha2-256').macs).toEqual(['hmac-sha2-256']);
    expect(resolved('KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256').keyExchange).toEqual([
      'curve25519-sha256',
    ]);
    expect(usage(() => resolved('MACs umac-128-etm@openssh.com')).message).toContain('config line 1: MACs');
    expect(usage(() => withOptions('MACs=umac-128-etm@openssh.com,hmac-sha2-256')).message).toContain('umac-128');
  });

  test('what is given beats the files, and of the files the first line counts', () => {
    const lines = ['ConnectTimeout 120', 'Ciphers nonsense', 'Port x'].map((line) => parseDirective(line, 'config')!);
    const settings = resolveSshOptions(
      { host: 'h', connectTimeoutMs: 5000, options: ['Ciphers=aes128-ctr', 'Port=9'] },
      environment,
      lines,
    );
    expect(settings).toMatchObject({ connectTimeoutMs: 5000, port: 9, algorithms: { ciphers: ['aes128-ctr'] } });
    expect(resolveSshOptions({ host: 'h' }, environment, lines.slice(0, 1)).connectTimeoutMs).toBe(120_000);
  });

  test('an address of the other family is refused', () => {
    const host = (text: string, addressFamily: 4 | 6) => () => resolve({ host: text, addressFamily });
    expect(usage(host('::1', 4)).message).toContain('IPv6');
    expect(usage(host('fe80::1%lo', 4)).message).toContain('IPv6');
    expect(usage(host('127.0.0.1', 6)).message).toContain('IPv4');
    expect(host('::1', 6)().addressFamily).toBe(6);
    expect(host('127.0.0.1', 4)().addressFamily).toBe(4);
  });

  test('a proxy command: tokens, none, and which of two counts', () => {
    const given = (...options: string[]) => resolve({ options }).proxyCommand;
    expect(given('ProxyCommand=nc -X 5 %h %p # %r@%n %%')).toBe('nc -X 5 example.org 22 # me@Example.org %');
    expect(given('ProxyCommand=none')).toBeUndefined();
    expect(given('ProxyCommand=none', 'ProxyCommand=nc')).toBeUndefined();
    expect(given('ProxyCommand=nc', 'ProxyJump=other')).toBe('nc');
    usage(() => given('ProxyCommand=nc %q'));
    // What is no part of the command may have any name.
    expect(given('ProxyCommand=nc %h', 'User=a;b')).toBe('nc example.org');
    usage(() => given('ProxyCommand=nc %r', 'User=a;b'));
    usage(() => given('ProxyCommand=nc %h', 'HostName=a$(b)'));
  });

  test('compression is off, or on by -C or its keyword, and then without the fast path', () => {
    expect(withOptions('Compression=no')).toMatchObject({ compression: false, fastPath: true });
    expect(withOptions('Compression=yes')).toMatchObject({ compression: true, fastPath: false });
    expect(resolve({ compression: true })).toMatchObject({ compression: true, fastPath: false });
  });
});
