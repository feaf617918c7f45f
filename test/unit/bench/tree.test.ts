import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Direction } from '../../../bench/support/direction.ts';
import { lftp } from '../../../bench/support/tools/lftp.ts';
import { scp, sftp } from '../../../bench/support/tools/openssh.ts';
import { rsync } from '../../../bench/support/tools/rsync.ts';
import type { Transfer } from '../../../bench/support/tools/tool.ts';
import { type TreePlan, treeBytes, writeTree } from '../../../bench/support/tree/generated-tree.ts';
import { chooseTreeRuns } from '../../../bench/support/tree/tree-arguments.ts';
import { treeDigest } from '../../../bench/support/tree/tree-digest.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import type { TestServer } from '../../support/test-server.ts';

const PLAN: TreePlan = { files: 60, directories: 23, smallest: 0, largest: 300 };

async function tempDir(): Promise<TempDir> {
  const dir = await makeTempDir();
  onTestFinished(dir.remove);
  return dir;
}

describe('writeTree', () => {
  it('writes as many files and directories as are planned, with as many bytes', async () => {
    const dir = await tempDir();
    const root = dir.file('tree');
    writeTree(root, PLAN);
    const entries = readdirSync(root, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files).toHaveLength(PLAN.files);
    expect(entries.filter((entry) => entry.isDirectory())).toHaveLength(PLAN.directories);
    const sizes = files.map((path) => statSync(path).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(treeBytes(PLAN));
    expect(new Set(sizes).size).toBeGreaterThan(PLAN.files / 2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(PLAN.largest);
  });
});

describe('treeDigest', () => {
  it.each<[string, (root: string) => void]>([
    ['a file has another byte', (root) => writeFileSync(join(root, 'directory-1', 'file-0.bin'), 'other')],
    ['a file is missing', (root) => rmSync(join(root, 'directory-1', 'file-0.bin'))],
    ['there is a file more', (root) => writeFileSync(join(root, 'directory-2', 'more'), '')],
  ])('is the same for the same tree, and another one where %s', async (_, change) => {
    const dir = await tempDir();
    const root = dir.file('tree');
    writeTree(root, PLAN);
    const before = treeDigest(root);
    expect(treeDigest(root)).toBe(before);
    change(root);
    expect(treeDigest(root)).not.toBe(before);
  });
});

describe('chooseTreeRuns', () => {
  it('takes a smaller tree to try a scene, which is not to be kept', () => {
    const tools = [{ name: 'mtput' }];
    expect(chooseTreeRuns([], PLAN, tools, () => 3)).toMatchObject({ plan: PLAN, complete: true });
    const { plan, complete, chosen, runsOf } = chooseTreeRuns(['--files', '6', '--runs', '1'], PLAN, tools, () => 3);
    expect(plan).toEqual({ ...PLAN, files: 6, directories: 2 });
    expect([complete, chosen.map(runsOf)]).toEqual([false, [1]]);
    expect(() => chooseTreeRuns(['--files', '0'], PLAN, tools, () => 3)).toThrow('from 1');
    expect(() => chooseTreeRuns(['--files'], PLAN, tools, () => 3)).toThrow('takes a value');
  });
});

describe('the call of a tool for a tree', () => {
  const server = { host: '127.0.0.1', user: 'me', dir: '/server' } as TestServer;

  function transfer(direction: Direction, workDir = '/work'): Transfer {
    const files = { local: '/here', remote: 'there', remotePath: '/server/there' };
    return { direction, ...files, isTree: true, server, port: 22, workDir };
  }

  it.each<[Direction, string[]]>([
    ['up', ['-r', '/here', 'me@127.0.0.1:there']],
    ['down', ['-r', 'me@127.0.0.1:there', '/here']],
  ])('of scp, %s', async (direction, last) => {
    expect((await scp().call(transfer(direction))).args.slice(-3)).toEqual(last);
  });

  it.each<[Direction, string[]]>([
    ['up', ['/here/', 'me@127.0.0.1:/server/there']],
    ['down', ['me@127.0.0.1:/server/there/', '/here']],
  ])('of rsync, %s, has a slash behind the source', async (direction, last) => {
    const { args } = await rsync().call(transfer(direction));
    expect([args[0], ...args.slice(-2)]).toEqual(['-a', ...last]);
  });

  it.each<[Direction, string, string]>([
    ['up', 'put -r "/here" "there"\n', 'mirror --parallel=10 -R "/here" "there"'],
    ['down', 'get -r "there" "/here"\n', 'mirror --parallel=10 "there" "/here"'],
  ])('of sftp and lftp, %s', async (direction, batch, script) => {
    const dir = await tempDir();
    await sftp().call(transfer(direction, dir.path));
    expect(await readFile(dir.file('sftp-batch'), 'utf8')).toBe(batch);
    expect((await lftp({ connections: 10 }).call(transfer(direction))).args.at(-1)).toContain(script);
  });
});
