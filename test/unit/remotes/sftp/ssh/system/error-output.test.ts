import { expect, test } from 'vitest';
import { ErrorOutput } from '../../../../../../src/remotes/sftp/ssh/system/error-output.ts';

function output(isProxied = false) {
  const messages: string[] = [];
  const seen = { logins: 0, touches: 0, signatures: 0 };
  const found = new ErrorOutput(
    {
      onMessage: (line) => messages.push(line),
      onAuthenticated: () => {
        seen.logins++;
      },
      onSigning: (isTouch) => {
        seen.signatures++;
        if (isTouch) seen.touches++;
      },
      onProgress: () => {},
    },
    isProxied,
  );
  const add = (text: string): void => found.add(Buffer.from(text));
  return { found, add, messages, seen };
}

const LOG = [
  'debug1: Reading configuration data /etc/ssh/ssh_config',
  'debug1: Connecting to h [10.0.0.1] port 22.',
  'debug1: Connection established.',
  'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2',
  'debug1: Server host key: ssh-ed25519 SHA256:abc',
  'debug1: SSH2_MSG_SERVICE_ACCEPT received',
  'Authenticated to h ([10.0.0.1]:22) using "publickey".',
];

test('the stages are known, whatever the lines are cut into', () => {
  for (const size of [1, 7, 1000]) {
    const { found, add, seen: events } = output();
    const text = `${LOG.join('\r\n')}\r\n`;
    const seen: string[] = [];
    for (let at = 0; at < text.length; at += size) {
      add(text.slice(at, at + size));
      if (seen.at(-1) !== found.stage) seen.push(found.stage);
    }
    if (size === 1)
      expect(seen).toEqual(['start', 'identification', 'key exchange', 'host key', 'authentication', 'open']);
    expect(found.stage).toBe('open');
    expect(found.software).toBe('OpenSSH_9.2p1 Debian-2');
    expect(events.logins).toBe(1);
    expect(found.text).toBe('');
  }
});

test.each([
  'Authenticated to h (via proxy) using "password".',
  'Authenticated to h ([10.0.0.1]:22).',
  'debug1: Authentication succeeded (publickey).\nAuthenticated to h ([10.0.0.1]:22).',
])('a login as older and newer programs tell it: %s', (lines) => {
  const { found, add, seen } = output();
  add(`${lines}\n`);
  expect([found.stage, seen.logins]).toEqual(['open', 1]);
});

test('the login of a host on the way is not that of the server', () => {
  const { found, add, messages } = output(true);
  add('Authenticated to jump ([10.0.0.1]:22) using "publickey".\n');
  expect([found.stage, messages]).toEqual(['start', []]);
  add('Authenticated to h (via proxy) using "publickey".\n');
  expect(found.stage).toBe('open');
});

test('a key that has to be touched is noticed', () => {
  const { add, seen } = output();
  add('debug1: Server accepts key: /k-SK ED25519 SHA256:abc\n');
  expect(seen).toMatchObject({ touches: 0, signatures: 1 });
  add('debug1: Server accepts key: /k ED25519-SK SHA256:abc agent\n');
  expect(seen.touches).toBe(1);
});

test('messages are for people, and the log is not', () => {
  const { found, add, messages } = output();
  add(
    'debug1: something\nWarning: Permanently added h\nTransferred: sent 1, received 2 bytes\nBytes per second: sent 1\n',
  );
  expect(messages).toEqual(['Warning: Permanently added h']);
  expect(found.text).toBe('Warning: Permanently added h\n');
});

test('after the login, the text is that of the program on the server', () => {
  const { found, add } = output();
  add(`before\n${LOG.join('\n')}\nbash: nothing: command not found\n`);
  expect(found.text).toBe('bash: nothing: command not found\n');
});

test('what is kept has a bound', () => {
  const { found, add } = output();
  for (let i = 0; i < 1000; i++) add(`line ${i} ${'x'.repeat(100)}\n`);
  add('y'.repeat(1_000_000));
  expect(found.text.length).toBeLessThan(10_000);
});
