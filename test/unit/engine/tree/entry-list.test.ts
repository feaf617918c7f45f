import { expect, test } from 'vitest';
import { EntryBudget, EntryList, MAX_ENTRIES } from '../../../../src/engine/tree/entry-list.ts';
import type { Attributes } from '../../../../src/remotes/remote.ts';

const FILE: Attributes = { kind: 'file', size: 1 };

test.each<Attributes>([
  { kind: 'file', size: 2 ** 45, mtimeMs: 1_600_000_000_123.5, mode: 0o4755 },
  { kind: 'directory', size: 0, mtimeMs: 0, mode: 0 },
  { kind: 'link', size: 3, mtimeMs: -86_400_000 },
  { kind: 'other', size: 0, mode: 0o600 },
  { kind: 'file', size: 0 },
])('an entry is what was added: %j', (attributes) => {
  const list = new EntryList();
  list.add(Buffer.from('before'), FILE);
  list.add(Buffer.from('name'), attributes);
  expect(list.attributes(1)).toEqual(attributes);
  expect([list.kind(1), list.name(1).toString(), list.length]).toEqual([attributes.kind, 'name', 2]);
});

test('names are bytes, also where they are no text, and in any number', () => {
  const list = new EntryList();
  const names = Array.from({ length: 3000 }, (_, n) => Buffer.from([0xff, 0x80 + (n & 0x7f), 0x20 + (n >> 7)]));
  for (const name of names) list.add(name, FILE);
  expect(names.every((name, index) => list.name(index).equals(name) && list.find(name) === index)).toBe(true);
  expect(list.find(Buffer.from([0xff]))).toBeUndefined();
});

test('the first of several entries of a name is found', () => {
  const list = new EntryList();
  for (const name of ['a', 'b', 'a']) list.add(Buffer.from(name), FILE);
  expect(list.find(Buffer.from('a'))).toBe(0);
});

test('a directory has no more entries than are allowed', () => {
  const list = new EntryList();
  const name = Buffer.alloc(0);
  for (let index = 0; index < MAX_ENTRIES; index++) list.add(name, FILE);
  expect(() => list.add(name, FILE)).toThrow(expect.objectContaining({ code: 'too-many-entries' }));
  expect(list.length).toBe(MAX_ENTRIES);
});

test('lists of one budget hold no more than it allows, and give back what they held', () => {
  const budget = new EntryBudget(3);
  const [one, two] = [new EntryList(budget), new EntryList(budget)];
  for (const list of [one, two, one]) list.add(Buffer.from('a'), FILE);
  expect(() => two.add(Buffer.from('b'), FILE)).toThrow(expect.objectContaining({ code: 'too-many-entries' }));
  one.release();
  for (const name of ['b', 'c']) two.add(Buffer.from(name), FILE);
  expect([two.length, budget.take()]).toEqual([3, false]);
});
