import { expect, test } from 'vitest';
import { EntryBudget } from '../../../../src/engine/tree/entry-list.ts';
import { TargetEntries } from '../../../../src/engine/tree/target-entries.ts';
import { TreeDirectory } from '../../../../src/engine/tree/tree-directory.ts';
import type { ErrorCode } from '../../../../src/errors.ts';
import { MemoryTree, MTIME_MS } from '../../../support/memory-tree.ts';

const NAMES = ['file', 'directory', 'to-file', 'to-directory', 'dangling', 'missing'];

function scene({ exists = true, followsLinks = true } = {}) {
  const side = new MemoryTree()
    .file('/t/file', { size: 3 })
    .directory('/t/directory')
    .file('/elsewhere/file', { size: 4 })
    .link('/t/to-file', '/elsewhere/file')
    .link('/t/to-directory', '/elsewhere')
    .link('/t/dangling', '/nothing');
  const attributes = { kind: 'directory', size: 0 } as const;
  const place = {
    source: Buffer.from('/s'),
    realSource: Buffer.from('/s'),
    target: Buffer.from('/t'),
    attributes,
    existing: exists ? attributes : undefined,
  };
  const services = { target: side, preserve: true, isDryRun: false, onWarning: () => {}, run: async () => {} };
  const budget = new EntryBudget(100);
  const there = new TargetEntries(side, new TreeDirectory(services, place), budget, followsLinks);
  return { side, there, budget };
}

type Found = { readonly path: string; readonly size?: number } | ErrorCode;

async function outcome(looking: Promise<{ path: Buffer; old?: unknown; existing?: unknown }>): Promise<Found> {
  try {
    const found = await looking;
    const at = (found.old ?? found.existing) as { size: number } | undefined;
    return { path: found.path.toString(), ...(at !== undefined && { size: at.size }) };
  } catch (error) {
    return (error as { code: ErrorCode }).code;
  }
}

const FILES: Record<string, Found> = {
  file: { path: '/t/file', size: 3 },
  directory: 'destination-is-directory',
  'to-file': { path: '/elsewhere/file', size: 4 },
  'to-directory': 'destination-is-directory',
  dangling: 'destination-dangling-link',
  missing: { path: '/t/missing' },
};
const LINKS: Record<string, Found> = {
  file: { path: '/t/file', size: 3 },
  directory: 'destination-is-directory',
  'to-file': { path: '/t/to-file', size: 15 },
  'to-directory': { path: '/t/to-directory', size: 10 },
  dangling: { path: '/t/dangling', size: 8 },
  missing: { path: '/t/missing' },
};
const DIRECTORIES: Record<string, Found> = {
  file: 'destination-in-the-way',
  directory: { path: '/t/directory', size: 0 },
  'to-file': 'destination-in-the-way',
  'to-directory': { path: '/elsewhere', size: 0 },
  dangling: 'destination-dangling-link',
  missing: { path: '/t/missing' },
};

test.each([
  ['listed', () => {}],
  [
    'looked at by its name, because the directory cannot be listed',
    (side: MemoryTree) => void side.refuse('list', '/t'),
  ],
])('what is there is found: %s', async (_, prepare) => {
  const { side, there } = scene();
  prepare(side);
  await there.list();
  await there.lookAt(NAMES.map((name) => Buffer.from(name)));
  for (const name of NAMES) {
    const bytes = Buffer.from(name);
    expect(await outcome(there.fileAt(bytes)), `a file at ${name}`).toEqual(FILES[name]);
    expect(await outcome(there.linkAt(bytes)), `a link at ${name}`).toEqual(LINKS[name]);
    expect(await outcome(there.directoryAt(bytes)), `a directory at ${name}`).toEqual(DIRECTORIES[name]);
  }
});

test('where links are copied, none of the target is followed, and each is replaced', async () => {
  const { side, there } = scene({ followsLinks: false });
  await there.list();
  for (const name of ['to-file', 'to-directory', 'dangling'].map((text) => Buffer.from(text))) {
    expect(await outcome(there.fileAt(name))).toMatchObject({ path: `/t/${name}` });
    expect(await there.directoryAt(name)).toMatchObject({ existing: undefined, link: { kind: 'link' } });
    expect(await outcome(there.linkAt(name))).toMatchObject({ path: `/t/${name}` });
  }
  expect(side.calls).toEqual(['list /t']);
});

test('a listed directory is asked nothing else', async () => {
  const { side, there } = scene();
  await there.list();
  await there.lookAt([Buffer.from('file')]);
  await there.fileAt(Buffer.from('file'));
  await there.directoryAt(Buffer.from('missing'));
  expect(side.calls).toEqual(['list /t']);
});

test('a directory that is new is asked nothing', async () => {
  const { side, there } = scene({ exists: false });
  await there.list();
  await there.lookAt([Buffer.from('file')]);
  expect(await outcome(there.fileAt(Buffer.from('file')))).toEqual({ path: '/t/file' });
  expect([...there.partials(), ...side.calls]).toEqual([]);
});

test('a refusal to tell counts as nothing', async () => {
  const { side, there } = scene();
  side.refuse('list', '/t').refuse('lstat', '/t/file');
  await there.list();
  await there.lookAt([Buffer.from('file')]);
  expect(await outcome(there.fileAt(Buffer.from('file')))).toEqual({ path: '/t/file' });
});

test('what ends the run is no refusal', async () => {
  const { side, there } = scene();
  side.refuse('list', '/t', 'no-connection');
  await expect(there.list()).rejects.toMatchObject({ code: 'no-connection' });
});

test('partial files are told of, and nothing that only has such a name', async () => {
  const { side, there } = scene();
  const name = '.f.0123456789abcdef.mtpart';
  side.file(`/t/${name}`).directory('/t/.d.0123456789abcdef.mtpart').link('/t/.l.0123456789abcdef.mtpart', '/t/file');
  await there.list();
  const found = [...there.partials()].map(({ name, attributes }) => [name.toString(), attributes.mtimeMs]);
  expect(found).toEqual([[name, MTIME_MS]]);
});

test('what was listed is given back', async () => {
  const { there, budget } = scene();
  await there.list();
  there.release();
  for (let entry = 0; entry < 100; entry++) expect(budget.take()).toBe(true);
});
