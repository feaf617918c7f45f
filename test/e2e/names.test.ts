/** Files may be called almost anything. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { copy, type Direction, sidesOf } from '../support/directions.ts';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import type { RunResult } from '../support/process.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const names: readonly (readonly [string, Buffer])[] = [
  ['spaces', Buffer.from(' two  words ')],
  ['quotes', Buffer.from(`it's "quoted" \`too\``)],
  ['a newline', Buffer.from('two\nlines')],
  ['newlines at both ends', Buffer.from('\nlines\n')],
  ['a shell would obey', Buffer.from('$(touch gone); * ? [a-z] {b} ~ & | > \\n')],
  ['a colon', Buffer.from('host:name')],
  ['a leading dash', Buffer.from('-rf')],
  ['a leading dot', Buffer.from('.hidden')],
  ['an escape sequence', Buffer.from('\x1b[31mred\x07')],
  ['all control characters', Buffer.from([...Array.from({ length: 31 }, (_, i) => i + 1), 0x7f, 0xc2, 0x80, 0x9b])],
  ['other scripts', Buffer.from('größe-日本語-🙂')],
  ['250 bytes', Buffer.from(`${'long'.repeat(62)}ab`)],
  ['255 bytes', Buffer.from(`${'ü'.repeat(127)}x`)],
  ['255 bytes, none UTF-8', Buffer.alloc(255, 0xfe)],
  ['Latin-1', Buffer.from('caf\xe9 \xff', 'latin1')],
];

const inside = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);

/**
 * In the quick tier, these alone are copied one by one: the longest name, what may not be printed, and what would be an
 * address or an option. All names are copied together there, and matrix.test.ts has more that stand alone.
 */
const FEW: Readonly<Record<Direction, readonly string[]>> = {
  up: ['255 bytes, none UTF-8', 'all control characters', 'a colon', 'a leading dash'],
  down: ['255 bytes, none UTF-8', 'all control characters'],
};

/** `extent`: `sample` for all names in one run, where another server is no other. */
function nameSuite(bed: Bed, direction: Direction, extent: 'all' | 'sample' = 'all'): void {
  const targets = () => sidesOf(direction, bed).targets;

  beforeAll(async () => {
    const { sources } = sidesOf(direction, bed);
    for (const [what, name] of names) await writeFile(inside(sources, name), `content of ${what}`);
  });

  /** Runs where the files are that are here, so that their names stand alone. */
  function copyTo(sources: readonly Buffer[], destination: Buffer): Promise<RunResult> {
    return copy({ direction, server: bed.server, cwd: bed.dir.path, sources, destination });
  }

  async function expectArrived(directory: string, what: string, name: Buffer): Promise<void> {
    expect(await readFile(inside(directory, name), 'utf8')).toBe(`content of ${what}`);
  }

  it('all of them into one directory', async () => {
    const run = await copyTo(
      names.map(([, name]) => name),
      Buffer.from('all'),
    );
    expect(run).toMatchObject({ code: 0, stdout: '' });
    for (const [what, name] of names) await expectArrived(join(targets(), 'all'), what, name);
    expect(await readdir(join(targets(), 'all'))).toHaveLength(names.length);
  });

  const tooLong = () => {
    it('4 before anything is sent, where the name is too long for a file there', async () => {
      const directory = join(targets(), 'too-long');
      await mkdir(directory);
      // proftpd's user is another one.
      await chmod(directory, 0o777);
      const run = await copyTo([names[0]![1]], inside('too-long', Buffer.from('ü'.repeat(128))));
      expectFailure(run, 4, /A name of 256 bytes is refused/, /^Choose a shorter name/);
      expect(await readdir(directory)).toEqual([]);
    });
  };
  // Of a download it is this system that refuses, whatever the server is.
  if (direction === 'down' && extent === 'sample') inLongerTiers(tooLong);
  else tooLong();

  if (extent === 'sample') return;

  const single = names.filter(([what]) => byTier(FEW[direction].includes(what), true));
  it.each(single)('%s, as source and as destination', async (what, name) => {
    const directory = join(targets(), what);
    await mkdir(directory);
    // proftpd's user is another one.
    await chmod(directory, 0o777);
    const run = await copyTo([name], inside(what, name));
    expect(run).toMatchObject({ code: 0, stdout: '' });
    // One line for the plan, one for the end, whatever the name holds.
    expect(run.stderr).toMatch(/^[^\p{Cc}]+\n[^\p{Cc}]+\n$/u);
    await expectArrived(directory, what, name);
    expect(await readdir(directory, { encoding: 'buffer' })).toEqual([name]);
  });

  it('a directory that is not UTF-8 is made', async () => {
    const [what, name] = names[0] as (typeof names)[0];
    const directory = Buffer.from('d\xff\xe9r/', 'latin1');
    expectSuccess(await copyTo([name], directory));
    const path = Buffer.concat([Buffer.from(`${targets()}/`), directory, name]);
    expect(await readFile(path, 'utf8')).toBe(`content of ${what}`);
  });

  it('a message shows such a name in one harmless line', async () => {
    const { code, stderr } = await copyTo([Buffer.from('miss\x1b[31m\n\xff', 'latin1')], Buffer.from('x'));
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: `${direction === 'up' ? 'mtput' : 'mtget'}: miss\\x1b[31m\\x0a\\xff does not exist.\nCheck the path of the source.\n`,
    });
  });
}

describeOnEach(
  'names of uploads',
  (bed) => nameSuite(bed, 'up'),
  (bed) => nameSuite(bed, 'up', 'sample'),
);
describeOnEach(
  'names of downloads',
  (bed) => nameSuite(bed, 'down'),
  (bed) => nameSuite(bed, 'down', 'sample'),
);
