import { describe, expect, it } from 'vitest';
import { rawArguments } from '../../../src/cli/raw-arguments.ts';

const line = (...entries: (string | Buffer)[]) =>
  Buffer.concat(entries.flatMap((entry) => [Buffer.from(entry as string), Buffer.of(0)]));

describe('arguments', () => {
  it('are taken from the command line where one is not UTF-8', () => {
    const commandLine = () => line('node', '--flag', 'mtput', 'f\u00fc', Buffer.of(0x61, 0xff), '');
    expect(rawArguments({ argv: ['node', 'mtput', 'f\u00fc', 'a\ufffd', ''], commandLine })).toEqual([
      'f\u00fc',
      'a\udcff',
      '',
    ]);
  });

  it('do not look at the command line otherwise', () => {
    const commandLine = () => {
      throw new Error('looked');
    };
    expect(rawArguments({ argv: ['node', 'mtput', 'f\u00fc', ''], commandLine })).toEqual(['f\u00fc', '']);
  });

  it.each([
    ['is not to be had', () => undefined],
    [
      'cannot be read',
      () => {
        throw new Error('EACCES');
      },
    ],
    ['is too short', () => line('node')],
    ['is another', () => line('node', 'mtput', Buffer.of(0x62, 0xff))],
  ])('stay as they are where the command line %s', (_why, commandLine) => {
    expect(rawArguments({ argv: ['node', 'mtput', 'a\ufffd'], commandLine })).toEqual(['a\ufffd']);
  });

  it('keep a real replacement character', () => {
    expect(
      rawArguments({ argv: ['node', 'mtput', '\ufffd'], commandLine: () => line('node', 'mtput', '\ufffd') }),
    ).toEqual(['\ufffd']);
  });
});
