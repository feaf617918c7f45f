import { expect, test } from 'vitest';
import { nameRefusal } from '../../../../src/engine/local/name-refusal.ts';
import { EntryList } from '../../../../src/engine/tree/entry-list.ts';
import { checkNames } from '../../../../src/engine/tree/name-check.ts';

const NOTHING = { mayRepeat: true, refuseName: undefined, foldsCase: async () => false };

function listOf(...names: readonly string[]): EntryList {
  const list = new EntryList();
  for (const name of names) list.add(Buffer.from(name, 'latin1'), { kind: 'file', size: 0 });
  return list;
}

async function refusedOf(
  names: readonly string[],
  rules: Partial<Parameters<typeof checkNames>[1]>,
): Promise<string[]> {
  const objections = await checkNames(listOf(...names), { ...NOTHING, ...rules });
  return names.map((_, index) => objections(index)?.message ?? '').filter((message) => message !== '');
}

test('any names may be copied where nothing is in the way', async () => {
  expect(await refusedOf(['a', 'A', 'caf\xe9', 'con', 'x. ', 'a'], {})).toEqual([]);
});

test('a name that a server lists twice is refused the second time', async () => {
  expect(await refusedOf(['a', 'b', 'a'], { mayRepeat: false })).toEqual([
    'The server lists a twice in one directory.',
  ]);
});

test('of names that differ in case only, the second is refused where the target cannot keep them apart', async () => {
  let asked = 0;
  const foldsCase = async (): Promise<boolean> => ++asked > 0;
  const refused = await refusedOf(['readme', 'x', 'README', 'Readme'], { foldsCase });
  expect(refused).toEqual([
    'README cannot be the name of a file here: the file system takes it for the same as readme.',
    'Readme cannot be the name of a file here: the file system takes it for the same as readme.',
  ]);
  expect(asked).toBe(1);
});

test('a target is asked about case only where names are similar', async () => {
  const foldsCase = async (): Promise<boolean> => {
    throw new Error('It was asked.');
  };
  expect(await refusedOf(['a', 'b', '\xff'], { foldsCase })).toEqual([]);
});

test('names that Windows forbids are refused there', async () => {
  const refuseName = nameRefusal('win32');
  expect(await refusedOf(['con', 'a:b', 'a.', 'ok'], { refuseName })).toHaveLength(3);
});
