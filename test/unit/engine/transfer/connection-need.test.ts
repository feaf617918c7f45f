import { expect, test } from 'vitest';
import { ConnectionNeed, type ConnectionNeedOptions } from '../../../../src/engine/transfer/connection-need.ts';
import type { Preparation } from '../../../../src/engine/transfer/direction.ts';

type Options = Partial<ConnectionNeedOptions> & { readonly isFixed?: boolean };

const MIB = 1024 * 1024;

/** `isFixed`: the number of connections is. */
function scene({ isFixed = false, ...options }: Options = {}, preparation: Partial<Preparation> = {}, first = 1) {
  const wanted: number[] = [];
  const pool = { wanted: first, want: (count: number) => void wanted.push(count) };
  const need = new ConnectionNeed(
    { pieceSize: 'auto', ...(!isFixed && { connections: 'auto' }), dryRun: false, ...options },
    pool,
  );
  need.begin({
    lockRoot: { path: Buffer.from('/'), isLocal: false },
    destination: 'd',
    known: { files: 0, bytes: 0, streams: 0 },
    failures: [],
    ...preparation,
  });
  return { need, wanted };
}

test('more are wanted as more becomes known, never fewer, and never more than the most', () => {
  const { need, wanted } = scene({}, { isGrowing: true });
  expect(need.most).toBe(10);
  for (let n = 0; n < 120; n++) need.add(1000);
  expect([need.adjust(), need.adjust()]).toEqual([true, false]);
  need.add(2 ** 40);
  expect(need.adjust()).toBe(true);
  need.add(2 ** 40);
  expect(need.adjust()).toBe(false);
  expect(wanted).toEqual([4, 10]);
});

test.each<[what: string, options: Options, preparation: Partial<Preparation>, wanted: number[]]>([
  ['the sizes are told', {}, { sizes: [12 * MIB, 1000] }, [4]],
  ['the sizes are told, and trees are walked', {}, { sizes: [12 * MIB], isGrowing: true }, []],
  ['no sizes are told', {}, {}, []],
  ['the number is fixed', { isFixed: true }, { sizes: [12 * MIB] }, []],
  ['nothing is copied', { dryRun: true }, { sizes: [12 * MIB] }, []],
])('at the beginning: %s', (_, options, preparation, expected) => {
  const { wanted } = scene(options, preparation);
  expect(wanted).toEqual(expected);
});

test.each<[Partial<ConnectionNeedOptions>, number, number]>([
  [{ connections: 64 }, 64, 64],
  [{ connections: 3 }, 3, 3],
  [{ connections: 64, dryRun: true }, 1, 64],
])('%j for a tree: as many as asked for are never exceeded', (options, first, most) => {
  const { need, wanted } = scene(options, { isGrowing: true }, first);
  for (let n = 0; n < 1000; n++) need.add(100 * MIB);
  need.adjust();
  expect(wanted.every((count) => count <= most)).toBe(true);
  expect(need.most).toBe(most);
});
