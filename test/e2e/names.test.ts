/** Files may be called almost anything. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { cleanEnvironment, mtputPath, sshArguments } from '../support/mtput.ts';
import type { RunResult } from '../support/process.ts';
import { runRaw } from '../support/raw-arguments.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';

const names: readonly (readonly [string, Buffer])[] = [
  ['spaces', Buffer.from(' two  words ')],
  ['quotes', Buffer.from(`it's "quoted" \`too\``)],
  ['a newline', Buffer.from('two\nlines')],
  ['a shell would obey', Buffer.from('$(touch gone); * ? [a-z] {b} ~ & | > \\n')],
  ['a colon', Buffer.from('host:name')],
  ['a leading dash', Buffer.from('-rf')],
  ['a leading dot', Buffer.from('.hidden')],
  ['an escape sequence', Buffer.from('\x1b[31mred\x07')],
  ['other scripts', Buffer.from('größe-日本語-🙂')],
  ['250 bytes', Buffer.from(`${'long'.repeat(62)}ab`)],
  ['255 bytes', Buffer.from(`${'ü'.repeat(127)}x`)],
  ['255 bytes, none UTF-8', Buffer.alloc(255, 0xfe)],
  ['Latin-1', Buffer.from('caf\xe9 \xff', 'latin1')],
];

const inside = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);

/** `extent`: `sample` for all names in one run, where another server is no other. */
function nameSuite(bed: Bed, extent: 'all' | 'sample' = 'all'): void {
  beforeAll(async () => {
    for (const [what, name] of names) await writeFile(inside(bed.dir.path, name), `content of ${what}`);
  });

  /** Runs where the sources are, so that their names stand alone. */
  async function put(sources: readonly Buffer[], target: Buffer): Promise<RunResult> {
    const { server } = bed;
    const address = Buffer.concat([Buffer.from(`${server.user}@${server.host}:`), target]);
    return runRaw(mtputPath, [...sshArguments(server), '--', ...sources, address], {
      cwd: bed.dir.path,
      env: cleanEnvironment(server.dir),
    });
  }

  async function expectArrived(directory: string, what: string, name: Buffer): Promise<void> {
    expect(await readFile(inside(directory, name), 'utf8')).toBe(`content of ${what}`);
  }

  it('all of them into one directory', async () => {
    const run = await put(
      names.map(([, name]) => name),
      Buffer.from('all'),
    );
    expect(run).toMatchObject({ code: 0, stdout: '' });
    for (const [what, name] of names) await expectArrived(join(bed.server.home, 'all'), what, name);
    expect(await readdir(join(bed.server.home, 'all'))).toHaveLength(names.length);
  });

  it('4 before anything is sent, where the name is too long for a file there', async () => {
    const directory = join(bed.server.home, 'too-long');
    await mkdir(directory);
    // proftpd's user is another one.
    await chmod(directory, 0o777);
    const run = await put([names[0]![1]], inside('too-long', Buffer.from('ü'.repeat(128))));
    expectFailure(run, 4, /A name of 256 bytes is refused/, /^Choose a shorter name/);
    expect(await readdir(directory)).toEqual([]);
  });

  if (extent === 'sample') return;

  it.each(names)('%s, as source and as destination', async (what, name) => {
    const directory = join(bed.server.home, what);
    await mkdir(directory);
    // proftpd's user is another one.
    await chmod(directory, 0o777);
    const run = await put([name], inside(what, name));
    expect(run).toMatchObject({ code: 0, stdout: '' });
    // One line for the plan, one for the end, whatever the name holds.
    expect(run.stderr).toMatch(/^[^\p{Cc}]+\n[^\p{Cc}]+\n$/u);
    await expectArrived(directory, what, name);
    expect(await readdir(directory, { encoding: 'buffer' })).toEqual([name]);
  });

  it('a directory that is not UTF-8 is made', async () => {
    const [what, name] = names[0] as (typeof names)[0];
    const directory = Buffer.from('d\xff\xe9r/', 'latin1');
    expectSuccess(await put([name], directory));
    const path = Buffer.concat([Buffer.from(`${bed.server.home}/`), directory, name]);
    expect(await readFile(path, 'utf8')).toBe(`content of ${what}`);
  });

  it('a message shows such a name in one harmless line', async () => {
    const { code, stderr } = await put([Buffer.from('miss\x1b[31m\n\xff', 'latin1')], Buffer.from('x'));
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'mtput: miss\\x1b[31m\\x0a\\xff does not exist.\nCheck the path of the source.\n',
    });
  });
}

describeOnEach(
  'names',
  (bed) => nameSuite(bed),
  (bed) => nameSuite(bed, 'sample'),
);
