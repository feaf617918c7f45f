import { expect, test } from 'vitest';
import type { SshStage } from '../../../../../../src/remotes/sftp/ssh/system/error-output.ts';
import { sshFailure } from '../../../../../../src/remotes/sftp/ssh/system/ssh-failure.ts';

test.each<[string, SshStage, string, string]>([
  ['Host key verification failed.', 'key exchange', 'host-key-unknown', 'run'],
  [
    'No ED25519 host key is known for h and you have requested strict checking.',
    'key exchange',
    'host-key-unknown',
    'run',
  ],
  [
    '@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.',
    'key exchange',
    'host-key-changed',
    'run',
  ],
  ['@ WARNING: REVOKED HOST KEY DETECTED! @\nHost key verification failed.', 'key exchange', 'host-key-revoked', 'run'],
  ['u@h: Permission denied (publickey).', 'authentication', 'authentication-failed', 'run'],
  [
    'Received disconnect from h port 22:2: Too many authentication failures',
    'authentication',
    'authentication-failed',
    'run',
  ],
  ['Unable to negotiate with h port 22: no matching cipher found. Their offer: x', 'key exchange', 'protocol', 'run'],
  ['command-line: line 0: Bad configuration option: nosuch', 'start', 'usage', 'run'],
  ['subsystem request failed on channel 0', 'open', 'subsystem-missing', 'run'],
  // A banner may say anything.
  ['Usage: authorized persons only', 'authentication', 'authentication-lost', 'connection'],
  ['Load key "/k": Permission denied', 'authentication', 'authentication-lost', 'connection'],
  [
    '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nConnection reset by h port 22',
    'host key',
    'connection-lost',
    'connection',
  ],
  ['ssh: Could not resolve hostname nowhere: Name or service not known', 'start', 'connection-failed', 'connection'],
  ['ssh: connect to host h port 1: Connection refused', 'start', 'connection-failed', 'connection'],
  [
    'kex_exchange_identification: Connection closed by remote host',
    'identification',
    'connection-refused',
    'connection',
  ],
  ['Connection reset by h port 22', 'key exchange', 'connection-lost', 'connection'],
  ['Connection closed by h port 22', 'authentication', 'authentication-lost', 'connection'],
  ['client_loop: send disconnect: Broken pipe', 'open', 'connection-lost', 'connection'],
  // A program on the server says so.
  ['sudo: Permission denied', 'open', 'connection-lost', 'connection'],
  ['', 'start', 'connection-failed', 'connection'],
])('%j, at the stage %s, is %s', (text, stage, code, scope) => {
  expect(sshFailure({ text, stage }, 'h:22', true)).toMatchObject({ code, scope });
});

test('a server that was never reached is not tried again, and one that was is', () => {
  const refused = { text: 'ssh: connect to host h port 1: Connection refused', stage: 'start' } as const;
  expect(sshFailure(refused, 'h:1', false).retry).toBe(false);
  expect(sshFailure(refused, 'h:1', true).retry).toBe(true);
});

test('what was said is cleaned and cut', () => {
  const text = `${'\x1b[31mred\x1b[0m'}\n${'x'.repeat(5000)}`;
  const { message } = sshFailure({ text, stage: 'start' }, 'h:22', false);
  expect(message).not.toMatch(/\x1b/);
  expect(message.length).toBeLessThan(500);
});
