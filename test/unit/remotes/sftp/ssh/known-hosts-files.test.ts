import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findKnownKeys, judgeKey, lookupNames } from '../../../../../src/remotes/sftp/ssh/known-hosts.ts';
import { appendKnownHost, readKnownHostsFiles } from '../../../../../src/remotes/sftp/ssh/known-hosts-files.ts';
import { skipWithout } from '../../../../support/describe-with-servers.ts';
import { run } from '../../../../support/process.ts';
import { makeSsh2Key } from '../../../../support/ssh2-key.ts';
import { makeTempDir, type TempDir } from '../../../../support/temp-dir.ts';

describe('appendKnownHost', () => {
  let dir: TempDir;
  let blob: Buffer;
  let file: string;

  beforeEach(async () => {
    dir = await makeTempDir();
    onTestFinished(dir.remove);
    blob = Buffer.from(makeSsh2Key().public.split(' ')[1] ?? '', 'base64');
    file = dir.file('.ssh', 'known_hosts');
  });

  const append = (name: string, hash = false) => appendKnownHost({ file, name, type: 'ssh-ed25519', blob, hash });

  test('creates file and directory with access only for the owner, and ssh-keygen finds the line', async (context) => {
    skipWithout(context, ['ssh-keygen']);
    expect(await append('[example.org]:2222')).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dir.file('.ssh'))).mode & 0o777).toBe(0o700);
    const found = await run('ssh-keygen', ['-F', '[example.org]:2222', '-f', file]);
    expect(found.stdout).toContain(blob.toString('base64'));
  });

  test('appends to existing lines, also after a last line without a newline', async () => {
    await mkdir(dir.file('.ssh'));
    await writeFile(file, '# mine');
    await append('a');
    await append('b');
    const key = `ssh-ed25519 ${blob.toString('base64')}`;
    expect(await readFile(file, 'utf8')).toBe(`# mine\na ${key}\nb ${key}\n`);
  });

  test('keeps line ends', async () => {
    await mkdir(dir.file('.ssh'));
    await writeFile(file, '# mine\r\n');
    await append('a');
    expect(await readFile(file, 'utf8')).toBe(`# mine\r\na ssh-ed25519 ${blob.toString('base64')}\r\n`);
  });

  test('hashes names on request, and where the file contains hashed names', async (context) => {
    skipWithout(context, ['ssh-keygen']);
    await append('[example.org]:2222', true);
    await append('second.org');
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^\|1\|.*\n\|1\|.*\n$/);
    for (const name of ['[example.org]:2222', 'second.org']) {
      expect((await run('ssh-keygen', ['-F', name, '-f', file])).stdout).toContain(blob.toString('base64'));
    }
    const files = await readKnownHostsFiles([dir.file('missing'), file]);
    expect(judgeKey(findKnownKeys(files, lookupNames('second.org', 22)), blob)).toMatchObject({
      state: 'ok',
      where: [`${file}:2`],
    });
  });

  test.each(['*', 'a?c', 'a,b', '!a', '@a', '#a', 'a b', 'a\nb', '|1|a', "a'b", 'a"b', '[a*]:22', '[a]b', 'ä'])(
    'does not write the name %j',
    async (name) => {
      expect(await append(name)).toBe(false);
      await expect(stat(file)).rejects.toThrow();
    },
  );

  test('writes IPv6', async () => {
    expect(await append('::1')).toBe(true);
    expect(await append('[fe80::1%eth0]:2222')).toBe(true);
  });

  test('twenty at once lose nothing', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => append(`host${index}`)));
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(20);
  });
});
