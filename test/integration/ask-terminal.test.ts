/** Secrets on a real terminal: it shows nothing of an answer, however soon that comes. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { run } from '../support/process.ts';
import { repoRoot } from '../support/repo-root.ts';
import { requireServer } from '../support/servers.ts';

const PROGRAM = join(repoRoot, 'build/test/support/ask-terminal-main.js');
const ROUNDS = 40;

/** Runs a program on a new terminal; at each prompt it looks whether the terminal echoes, answers, and tells it all. */
const TERMINAL = `
import json, os, pty, select, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown, echoes, prompts = b'', 0, 0
while True:
    if not select.select([fd], [], [], 60)[0]:
        break
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    while shown.count(b'Password: ') > prompts:
        prompts += 1
        echoes += bool(termios.tcgetattr(fd)[3] & termios.ECHO)
        os.write(fd, b's3cret\\r')
os.waitpid(pid, 0)
print(json.dumps({'shown': shown.decode('latin-1'), 'echoes': echoes, 'prompts': prompts}))
`;

describeWithServers(['python3'], 'a secret on a terminal', () => {
  test('the terminal echoes no more when the prompt is there', async () => {
    const { stdout, stderr } = await run(
      requireServer('python3'),
      ['-c', TERMINAL, process.execPath, PROGRAM, `${ROUNDS}`],
      {
        timeoutMs: 60_000,
      },
    );
    expect(stderr).toBe('');
    const { shown, echoes, prompts } = JSON.parse(stdout) as { shown: string; echoes: number; prompts: number };
    expect(prompts).toBe(ROUNDS);
    expect(echoes).toBe(0);
    expect(shown).not.toContain('s3cret');
    expect(shown.match(/answer 6\r\n/g)).toHaveLength(ROUNDS);
    expect(shown.startsWith('That was wrong.\r\nPassword: \r\nanswer 6\r\n')).toBe(true);
  }, 90_000);
});
