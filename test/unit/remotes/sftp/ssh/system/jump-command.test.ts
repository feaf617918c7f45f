/** What a shell and the programs make of a command with several hosts on the way. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Jump } from '../../../../../../src/remotes/sftp/ssh/config/proxy-jump.ts';
import { jumpCommand } from '../../../../../../src/remotes/sftp/ssh/system/jump-command.ts';

/** As ssh expands the tokens of a proxy command. */
function expanded(command: string, host: string, port: number): string {
  return command.replace(/%(.)/g, (_, token: string) => {
    if (token === '%') return '%';
    if (token === 'h') return host;
    if (token === 'p') return `${port}`;
    throw new Error(`unknown key %${token}`);
  });
}

function wordsOf(command: string): string[] {
  const program = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
  const shown = execFileSync('/bin/sh', ['-c', `exec '${process.execPath}' -e '${program}' -- ${command}`]).toString();
  return JSON.parse(shown);
}

/** The words of each program on the way, that of the target first. */
function played(jumps: readonly Jump[], options: readonly string[]): string[][] {
  const found: string[][] = [];
  let [command, host, port] = [jumpCommand({ program: ['my ssh'], options, jumps }), 'target', 7];
  for (;;) {
    const words = wordsOf(expanded(command, host, port));
    const at = words.findIndex((word) => word.startsWith('ProxyCommand='));
    if (at < 0) return [...found, words];
    found.push([...words.slice(0, at - 1), ...words.slice(at + 1)]);
    command = words[at]!.slice('ProxyCommand='.length);
    host = words.at(-1)!;
    port = Number(words[words.indexOf('-p') + 1] ?? 22);
  }
}

test.each([1, 2, 3, 4])('%i hosts on the way', (count) => {
  const jumps = Array.from({ length: count }, (_, index) => ({
    host: `jump${index}`,
    user: "o'neil",
    port: 100 + index,
  }));
  const options = ['-F', "/my 100% file's name", '-o', 'BatchMode=yes'];
  const programs = played(jumps, options);
  expect(programs).toHaveLength(count);
  for (const [index, words] of programs.entries()) {
    const jump = jumps[count - 1 - index]!;
    const behind = index === 0 ? '[target]:7' : `[jump${count - index}]:${100 + count - index}`;
    const way = ['-l', "o'neil", '-p', `${jump.port}`, '-W', behind, '--', jump.host];
    expect(words).toEqual(['my ssh', ...options, ...way]);
  }
});
