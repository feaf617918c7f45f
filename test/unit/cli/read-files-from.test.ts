import { writeFile } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readFilesFrom } from '../../../src/cli/read-files-from.ts';
import { CopyError } from '../../../src/errors.ts';
import { textFromBytes } from '../../../src/util/bytes-text.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';

const never = new AbortController().signal;

describe('the list of --files-from', () => {
  it('is read from a file, whatever bytes its name has', async () => {
    const dir = await tempDirForTest();
    const name = Buffer.concat([
      Buffer.from(dir.file('list')),
      process.platform === 'linux' ? Buffer.of(0xff) : Buffer.of(),
    ]);
    await writeFile(name, 'a\nb\n');
    expect(String(await readFilesFrom(textFromBytes(name), never))).toBe('a\nb\n');
  });

  it('is read from standard input', async () => {
    const standardInput = () => Readable.from([Buffer.from('a\n'), Buffer.from('b')]);
    expect(String(await readFilesFrom('-', never, { standardInput, maxBytes: 4 }))).toBe('a\nb');
  });

  it('may be empty', async () => {
    expect(await readFilesFrom('/dev/null', never)).toHaveLength(0);
  });

  it('must be there', async () => {
    const dir = await tempDirForTest();
    await expect(readFilesFrom(dir.file('no\x1b'), never)).rejects.toMatchObject({
      code: 'source-missing',
      exitCode: 3,
      message: `The list ${dir.file('no\\x1b')} does not exist.`,
    });
  });

  it('must be readable', async () => {
    const dir = await tempDirForTest();
    await expect(readFilesFrom(dir.path, never)).rejects.toMatchObject({
      code: 'source-unreadable',
      exitCode: 3,
      message: expect.stringContaining('cannot be read: EISDIR'),
    });
  });

  it('is bounded', async () => {
    const standardInput = () => Readable.from([Buffer.alloc(5)]);
    await expect(readFilesFrom('-', never, { standardInput, maxBytes: 4 })).rejects.toMatchObject({
      code: 'usage',
      message: 'The list in standard input is too long.',
    });
  });

  it('is not waited for when the run is to stop', async () => {
    const controller = new AbortController();
    const input = new PassThrough();
    const reading = readFilesFrom('-', controller.signal, { standardInput: () => input, maxBytes: 4 });
    const reason = new CopyError('cancelled', 'Interrupted');
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(input.destroyed).toBe(true);
    await expect(readFilesFrom('-', controller.signal)).rejects.toBe(reason);
  });
});
