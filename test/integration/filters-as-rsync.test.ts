/**
 * The filters, beside what rsync itself copies for the same rules. Where they differ on purpose (rsync's `?` is a byte)
 * is in the unit tests.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FilterRule, Filters } from '../../src/engine/tree/filters.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { runOk } from '../support/process.ts';
import { requireServer } from '../support/servers.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

/** A slash at the end makes a directory. */
const TREE = [
  ...['a', 'b', 'ab', 'a.o', 'A', '.hidden', '.config/a', '.config/.b', 'empty/'],
  ...['foo/bar', 'foo/foo', 'foo/x/bar', 'foo/x/foo/bar', 'x/foo/bar', 'x/foo/baz', 'x/y/foo/bar', 'xfoo/bar'],
  ...['build/a.o', 'build/lib/b.o', 'build/lib/build/c.o', 'src/build/d.o', 'src/build.ts', 'src/deep/er/e.ts'],
  ...['a*', 'a*b', 'a?', '[a]', 'c]', '{a,b}', 'a\\b', 'a-b', 'a b', '-', '!', '5', 'née', '#c', '~d', '(e)'],
];

/** `+x`: --include=x; `-x`: --exclude=x. */
const CASES: readonly string[][] = [
  [],
  ['-a'],
  ['-*'],
  ['-**'],
  ['-*/'],
  ['-/*/'],
  ['-/*'],
  ['-foo'],
  ['-foo/'],
  ['-/foo'],
  ['-/foo/'],
  ['-foo/bar'],
  ['-/foo/bar'],
  ['-x/foo/bar'],
  ['-foo/b*'],
  ['-*/foo/b*'],
  ['-/*/foo'],
  ['-*oo/bar'],
  ['-**/foo'],
  ['-**foo'],
  ['-**/bar'],
  ['-/**/bar'],
  ['-foo/**'],
  ['-foo/**/bar'],
  ['-/foo/**'],
  ['-foo/***'],
  ['-/foo/***'],
  ['-/x/**/foo/***'],
  ['-b**'],
  ['-b**/'],
  ['-x**r'],
  ['-*.o'],
  ['-build/*.o'],
  ['-build/**.o'],
  ['-?'],
  ['-??'],
  ['-a?'],
  ['-a\\?'],
  ['-a\\*'],
  ['-a\\*b'],
  ['-a\\b'],
  ['-a\\\\b*'],
  ['-[a]'],
  ['-\\[a\\]*'],
  ['-[!a]'],
  ['-[^a-z]'],
  ['-[]5]'],
  ['-*[]]'],
  ['-[a-'],
  ['-[a-]'],
  ['-a[ -]b'],
  ['-[[:digit:]]'],
  ['-[[:upper:][:punct:]]*'],
  ['-[![:alnum:]]*'],
  ['-[[:nonsense:]a]'],
  ['-{a,b}'],
  ['-{a,b}*'],
  ['-.*'],
  ['-.*/'],
  ['-*\\'],
  ['-née'],
  ['-n*e'],
  ['-/'],
  ['-foo//'],
  ['+*/', '+*.o', '-*'],
  ['+*.o', '-*'],
  ['+/foo', '+/foo/bar', '-*'],
  ['+/foo/', '+/foo/x/', '+/foo/x/bar', '-*'],
  ['+/x/***', '-*'],
  ['+/x/**', '-*'],
  ['+foo/***', '+/x/', '-*'],
  ['+a*', '-a', '-*b'],
  ['-a.o', '+*.o', '-build/**'],
  ['+build/lib/', '-build/*', '-src/*/'],
  ['-*.ts', '+src/', '+src/deep/***', '-/*'],
];

function ruleOf(text: string): FilterRule {
  return { action: text.startsWith('+') ? 'include' : 'exclude', pattern: text.slice(1) };
}

/** What is in a directory, sorted; directories have a slash at the end. What is not allowed is not entered. */
async function pathsIn(dir: TempDir, root: string, filters = new Filters([])): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (parent: string): Promise<void> => {
    for (const entry of await readdir(dir.file(root, parent), { withFileTypes: true })) {
      const path = `${parent}${entry.name}`;
      if (!filters.allows(path, entry.isDirectory())) continue;
      paths.push(entry.isDirectory() ? `${path}/` : path);
      if (entry.isDirectory()) await walk(`${path}/`);
    }
  };
  await walk('');
  return paths.sort();
}

describeWithServers(['rsync'], 'filters choose what rsync chooses', () => {
  let dir: TempDir;
  beforeAll(async () => {
    dir = await makeTempDir('filters');
    for (const path of TREE) {
      mkdirSync(path.endsWith('/') ? dir.file('s', path) : dirname(dir.file('s', path)), { recursive: true });
      if (!path.endsWith('/')) writeFileSync(dir.file('s', path), '');
    }
  });
  afterAll(() => dir.remove());

  test.concurrent.each(CASES.map((rules, i) => [rules.join('  '), rules, `d${i}`] as const))(
    '%s',
    async (_title, rules, destination) => {
      const chosen = rules.map(ruleOf);
      const options = chosen.map(({ action, pattern }) => `--${action}=${pattern}`);
      await runOk(requireServer('rsync'), ['-r', ...options, 's/', `${destination}/`], { cwd: dir.path });
      expect(await pathsIn(dir, 's', new Filters(chosen))).toEqual(await pathsIn(dir, destination));
    },
  );

  test('the table tells the rules apart', async () => {
    const everything = await pathsIn(dir, 's');
    const outcomes = await Promise.all(CASES.map((rules) => pathsIn(dir, 's', new Filters(rules.map(ruleOf)))));
    expect(everything.length).toBeGreaterThan(TREE.length);
    expect(outcomes.filter((paths) => paths.length < everything.length).length).toBeGreaterThan(45);
    expect(new Set(outcomes.map((paths) => paths.join('\n'))).size).toBeGreaterThan(45);
  });
});
