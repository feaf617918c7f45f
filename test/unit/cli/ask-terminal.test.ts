import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { askTerminal } from '../../../src/cli/ask-terminal.ts';

const terminal = vi.hoisted(() => ({ log: [] as string[], type: (_text: string): void => {} }));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  openSync: () => 99,
  writeSync: (_fd: number, text: string) => void terminal.log.push(`write ${JSON.stringify(text)}`),
}));

vi.mock('node:tty', () => ({
  ReadStream: class extends EventEmitter {
    constructor() {
      super();
      terminal.type = (text) => void this.emit('data', Buffer.from(text));
    }
    setRawMode(on: boolean): void {
      terminal.log.push(`echo ${on ? 'off' : 'on'}`);
    }
    destroy(): void {}
  },
}));

test.skipIf(process.platform === 'win32')(
  'echo is off before the prompt is there, and until the answer is',
  async () => {
    const answer = askTerminal('Password: ', false, new AbortController().signal);
    terminal.type('s3cret\r');
    expect(await answer).toBe('s3cret');
    expect(terminal.log).toEqual(['echo off', 'write "Password: "', 'write "\\n"', 'echo on']);
  },
);
