/** Several files in one run. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnEach } from '../support/each-server.ts';
import { eventsOf, mtput, mtputJson } from '../support/mtput.ts';

describeOnEach('several files', (bed) => {
  it('one is missing: the others are copied', async () => {
    for (const name of ['a', 'c']) await writeFile(bed.dir.file(name), `content of ${name}`);
    const sources = ['a', 'b', 'c'].map((name) => bed.dir.file(name));
    const { code, stderr } = await mtput(sources, { server: bed.server, path: 'some/' });
    expect(code).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    const missing = lines.findIndex((line) => line.endsWith('/b does not exist.'));
    expect(lines[missing]).toMatch(/^mtput: /);
    expect(lines[missing + 1]).toBe('Check the path of the source.');
    expect(lines.at(-1)).toMatch(/^1 of 3 files failed\. /);
    expect((await readdir(join(bed.server.home, 'some'))).sort()).toEqual(['a', 'c']);
    expect(await readFile(join(bed.server.home, 'some/c'), 'utf8')).toBe('content of c');
  });

  it('one of two is missing: the other goes into a directory all the same', async () => {
    await writeFile(bed.dir.file('a'), 'content');
    const sources = [bed.dir.file('missing'), bed.dir.file('a')];
    const { code, stderr } = await mtput(sources, { server: bed.server, path: 'two' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/missing does not exist\.\nCheck the path of the source\.$/m);
    expect(await readdir(join(bed.server.home, 'two'))).toEqual(['a']);
  });

  it('all are missing', async () => {
    const run = await mtput([bed.dir.file('x'), bed.dir.file('y')], { server: bed.server, path: 'none' });
    expect(run.code).toBe(1);
    for (const name of ['x', 'y']) expect(run.stderr).toContain(`/${name} does not exist.`);
    expect(await readdir(bed.server.home)).not.toContain('none');
  });

  it('two of the same name: the second is refused', async () => {
    await writeFile(bed.dir.file('twin'), 'first');
    const other = join(bed.server.dir, 'twin');
    await writeFile(other, 'second');
    const { code, stderr } = await mtput([bed.dir.file('twin'), other], { server: bed.server, path: 'twins' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/twin would become the same file\.\nCopy them to different directories\.$/m);
    expect(await readFile(join(bed.server.home, 'twins/twin'), 'utf8')).toBe('first');
  });

  it('200 small ones arrive over 4 connections', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `small-${i}`);
    await Promise.all(names.map((name, i) => writeFile(bed.dir.file(name), name.repeat(i))));
    const run = await mtputJson(
      names.map((name) => bed.dir.file(name)),
      { server: bed.server, path: 'many' },
      ['-n', '4'],
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(eventsOf(run, 'result')[0]).toMatchObject({
      exitCode: 0,
      filesDone: 200,
      filesFailed: 0,
      connectionsUsed: 4,
    });
    expect((await readdir(join(bed.server.home, 'many'))).sort()).toEqual([...names].sort());
    for (const [i, name] of names.entries()) {
      expect(await readFile(join(bed.server.home, 'many', name), 'utf8')).toBe(name.repeat(i));
    }
  });
});
