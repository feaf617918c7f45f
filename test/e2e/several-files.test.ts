/** Several files in one run. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { copy, type Direction, sidesOf } from '../support/directions.ts';
import { type Bed, describeOn, describeOnEach } from '../support/each-server.ts';
import { inLongerTiers } from '../support/tier.ts';

function severalSuite(bed: Bed, direction: Direction): void {
  const source = (name: string) => join(sidesOf(direction, bed).sources, name);
  const target = (name: string) => join(sidesOf(direction, bed).targets, name);
  const copyTo = (destination: string, sources: readonly string[], more: readonly string[] = []) =>
    copy({ direction, server: bed.server, cwd: bed.dir.path, sources, destination, more });

  it('one is missing: the others are copied', async () => {
    for (const name of ['a', 'c']) await writeFile(source(name), `content of ${name}`);
    const { code, stderr } = await copyTo('some/', ['a', 'b', 'c']);
    expect(code).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    const missing = lines.findIndex((line) => line.endsWith(': b does not exist.'));
    expect(lines[missing]).toMatch(/^mt(put|get): /);
    expect(lines[missing + 1]).toBe('Check the path of the source.');
    expect(lines.at(-1)).toMatch(/^1 of 3 files failed\. /);
    expect((await readdir(target('some'))).sort()).toEqual(['a', 'c']);
    expect(await readFile(target('some/c'), 'utf8')).toBe('content of c');
  });

  // What becomes of the others is the same code for both directions.
  const alike = direction === 'up' ? (define: () => void) => define() : inLongerTiers;

  alike(() => {
    it('one of two is missing: the other goes into a directory all the same', async () => {
      await writeFile(source('a'), 'content');
      const { code, stderr } = await copyTo('two', ['missing', 'a']);
      expect(code).toBe(1);
      expect(stderr).toMatch(/missing does not exist\.\nCheck the path of the source\.$/m);
      expect(await readdir(target('two'))).toEqual(['a']);
    });

    it('all are missing', async () => {
      const run = await copyTo('none', ['x', 'y']);
      expect(run.code).toBe(1);
      for (const name of ['x', 'y']) expect(run.stderr).toContain(`: ${name} does not exist.`);
      expect(await readdir(sidesOf(direction, bed).targets)).not.toContain('none');
    });

    it('two of the same name: the second is refused', async () => {
      await writeFile(source('twin'), 'first');
      await mkdir(source('other'));
      await writeFile(source('other/twin'), 'second');
      const { code, stderr } = await copyTo('twins', ['twin', 'other/twin']);
      expect(code).toBe(1);
      expect(stderr).toMatch(/twin would become the same file\.\nCopy them to different directories\.$/m);
      expect(await readFile(target('twins/twin'), 'utf8')).toBe('first');
    });
  });

  it('200 small ones arrive over 4 connections', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `small-${i}`);
    await Promise.all(names.map((name, i) => writeFile(source(name), name.repeat(i))));
    const { code, stdout, stderr } = await copyTo('many', names, ['-n', '4', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const result: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    expect(result).toMatchObject({
      type: 'result',
      exitCode: 0,
      filesDone: 200,
      filesFailed: 0,
      connectionsUsed: 4,
    });
    expect((await readdir(target('many'))).sort()).toEqual([...names].sort());
    for (const [i, name] of names.entries()) {
      expect(await readFile(target(join('many', name)), 'utf8')).toBe(name.repeat(i));
    }
  });
}

describeOnEach('several files to a server', (bed) => severalSuite(bed, 'up'));
describeOn('sshd', 'several files from a server', (bed) => severalSuite(bed, 'down'));
