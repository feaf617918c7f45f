import { describe, expect, test } from 'vitest';
import { RemoteTree } from '../../../../src/engine/transfer/remote-tree.ts';
import { EntryBudget } from '../../../../src/engine/tree/entry-list.ts';
import { CopyError, type ErrorCode } from '../../../../src/errors.ts';
import type { Attributes, DirectoryEntry, RemoteConnection } from '../../../../src/remotes/remote.ts';

const FILE: Attributes = { kind: 'file', size: 1 };

/** `remote`: what is done otherwise than by failing. `again`: whether an operation is repeated after a lost answer. */
function scene(remote: Partial<RemoteConnection>, side: 'source' | 'target' = 'source') {
  const progress = { count: 0 };
  const access = {
    withConnection: async <T>(work: (id: number, remote: RemoteConnection) => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work(1, remote as RemoteConnection);
        } catch (error) {
          if (CopyError.from(error).scope !== 'connection') throw error;
        }
      }
    },
    onProgress: () => void progress.count++,
  };
  return { tree: new RemoteTree(access, side), progress };
}

function entry(name: string, attributes: Attributes = FILE, isRefused = false): DirectoryEntry {
  return { name: Buffer.from(name), attributes, ...(isRefused && { isRefused }) };
}

const list = (...batches: readonly (readonly DirectoryEntry[])[]): Pick<RemoteConnection, 'list'> => ({
  async *list() {
    yield* batches;
  },
});

const lost = (): CopyError => new CopyError('connection-lost', 'It is gone.');

describe('a listing', () => {
  const PATH = Buffer.from('/d');

  test('has the entries of all batches, each of which is progress', async () => {
    const { tree, progress } = scene(list([entry('a'), entry('b')], [entry('c')]));
    const found = await tree.list(PATH, { budget: new EntryBudget() });
    expect([found.length, found.name(2).toString(), progress.count]).toEqual([3, 'c', 2]);
  });

  test('passes on the names that are refused', async () => {
    const { tree } = scene(list([entry('../x', FILE, true), entry('a'), entry('', FILE, true)]));
    const refused: string[] = [];
    const onRefused = (name: Uint8Array): void => void refused.push(Buffer.from(name).toString());
    const found = await tree.list(PATH, { budget: new EntryBudget(), onRefused });
    expect([found.length, refused]).toEqual([1, ['../x', '']]);
  });

  test.each([
    ['names that are refused', entry('/', FILE, true)],
    ['names', entry('a')],
  ])('without end, of %s, is read to a bound and closed', async (_, one) => {
    const state = { batches: 0, isClosed: false };
    const { tree } = scene({
      async *list() {
        try {
          for (;;) {
            state.batches++;
            yield [one, one, one];
          }
        } finally {
          state.isClosed = true;
        }
      },
    });
    const budget = new EntryBudget(1000);
    await tree.list(PATH, { budget }).then(
      (found) => found.release(),
      (error: unknown) =>
        expect(error).toMatchObject({ code: 'too-many-entries', message: '/d has too many entries.' }),
    );
    expect(state.isClosed).toBe(true);
    expect(state.batches).toBeLessThan(1000);
    for (let held = 0; held < 1000; held++) expect(budget.take()).toBe(true);
  });

  test('ends at the limit', async () => {
    const { tree } = scene(list([entry('a'), entry('b'), entry('c')], [entry('d')]));
    expect((await tree.list(PATH, { budget: new EntryBudget(), limit: 2 })).length).toBe(2);
  });

  test('begins anew when the connection is lost, and gives back what it held', async () => {
    let attempts = 0;
    const { tree } = scene({
      async *list() {
        yield [entry('a')];
        if (++attempts === 1) throw lost();
        yield [entry('b')];
      },
    });
    const budget = new EntryBudget(3);
    expect((await tree.list(PATH, { budget })).length).toBe(2);
    expect([budget.take(), budget.take()]).toEqual([true, false]);
  });

  test('looks at entries of which the server does not tell the kind', async () => {
    const unknown: Attributes = { ...FILE, isKindKnown: false };
    const asked: string[] = [];
    const { tree } = scene({
      ...list([entry('a'), entry('b', unknown), entry('gone', unknown)]),
      lstat: async (path) => {
        asked.push(Buffer.from(path).toString());
        return asked.length === 1 ? { kind: 'directory', size: 0 } : undefined;
      },
    });
    const found = await tree.list(PATH, { budget: new EntryBudget() });
    expect([0, 1, 2].map((index) => found.kind(index))).toEqual(['file', 'directory', 'file']);
    expect(asked).toEqual(['/d/b', '/d/gone']);
  });
});

test.each<[side: 'source' | 'target', thrown: ErrorCode, code: ErrorCode]>([
  ['source', 'destination-permission', 'source-unreadable'],
  ['source', 'destination-refused', 'source-unreadable'],
  ['source', 'partial-refused', 'source-missing'],
  ['source', 'source-missing', 'source-missing'],
  ['target', 'destination-permission', 'destination-permission'],
])('on the side of the %s, %s is %s', async (side, thrown, code) => {
  const { tree } = scene({ stat: () => Promise.reject(new CopyError(thrown, 'no')) }, side);
  await expect(tree.stat(Buffer.from('/x'))).rejects.toMatchObject({ code, message: 'no' });
});

test.each<[what: string, found: Attributes | undefined, isMade: boolean]>([
  ['a directory', { kind: 'directory', size: 0 }, true],
  ['a link, which is not followed', { kind: 'link', size: 0 }, false],
  ['a file', FILE, false],
  ['nothing', undefined, false],
])('a directory that cannot be made is there if it is %s', async (_, found, isMade) => {
  const refusal = new CopyError('destination-refused', 'no');
  const { tree } = scene({ makeDirectory: () => Promise.reject(refusal), lstat: async () => found }, 'target');
  const making = tree.makeDirectory(Buffer.from('/d'), 0o700);
  await (isMade ? expect(making).resolves.toBeUndefined() : expect(making).rejects.toBe(refusal));
});

test.each([
  ['the same link', 'text', true],
  ['another link', 'other', false],
])('a link whose answer was lost is made if %s is there', async (_, there, isMade) => {
  const failures = [lost(), new CopyError('destination-refused', 'It exists.')];
  const { tree } = scene(
    { makeLink: () => Promise.reject(failures.shift()), readLink: async () => Buffer.from(there) },
    'target',
  );
  const making = tree.makeLink(Buffer.from('/l'), Buffer.from('text'));
  await (isMade ? expect(making).resolves.toBeUndefined() : expect(making).rejects.toMatchObject({ scope: 'file' }));
});

test('a link that is there at the first attempt is a failure', async () => {
  const refusal = new CopyError('destination-refused', 'It exists.');
  const { tree } = scene(
    { makeLink: () => Promise.reject(refusal), readLink: async () => Buffer.from('text') },
    'target',
  );
  await expect(tree.makeLink(Buffer.from('/l'), Buffer.from('text'))).rejects.toBe(refusal);
});
