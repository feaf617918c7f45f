import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { DigestProviders } from '../../../../src/engine/verify/digest-providers.ts';
import { compareWhole, digestOf, isSameReadBack } from '../../../../src/engine/verify/whole-file.ts';
import type { Range } from '../../../../src/remotes/remote.ts';

const BYTES = Buffer.from('the bytes of this side');

const hash = (bytes: Buffer, { offset, length }: Range, algorithm = 'sha256'): Buffer =>
  createHash(algorithm)
    .update(bytes.subarray(offset, offset + length))
    .digest();

/** `tell`: what each provider says in turn; undefined: it cannot say. */
function scene(there: Buffer, tell: readonly ((range: Range) => Buffer | undefined)[], maxRangeLength = 1000) {
  const left = [...tell];
  const dropped: string[] = [];
  const asked: number[] = [];
  const providers = {
    trusted: async () =>
      left.length > 0 ? { method: `m${left.length}`, algorithm: 'sha256', maxRangeLength } : undefined,
    ask: async (_provider: unknown, _of: unknown, ranges: readonly Range[]) => {
      asked.push(ranges.length);
      const told = ranges.map((range) => left[0]!(range));
      if (told.includes(undefined)) {
        left.shift();
        return undefined;
      }
      return told;
    },
    drop: (method: string) => {
      dropped.push(method);
      left.shift();
    },
  } as unknown as DigestProviders;
  const back = async (ranges: readonly Range[], algorithm: string) =>
    ranges.map((range) => hash(there, range, algorithm));
  const compare = () =>
    compareWhole(providers, { of: Buffer.from('/f'), bytes: BYTES, back: back as never }, (work) => work());
  return { compare, back, dropped, asked };
}

const OTHER = Buffer.from('the bytes of that side');
const right = (range: Range): Buffer => hash(BYTES, range);
const wrong = (): Buffer => Buffer.alloc(32);

test('the same bytes, by the digest of the server', async () => {
  const { compare, dropped } = scene(BYTES, [right]);
  expect([await compare(), dropped]).toEqual([true, []]);
});

test('a provider of short ranges is asked for several', async () => {
  const { compare, asked } = scene(BYTES, [right], 5);
  expect([await compare(), asked]).toEqual([true, [5]]);
});

test('other bytes, which reading back confirms', async () => {
  const { compare, dropped } = scene(OTHER, [(range) => hash(OTHER, range)]);
  expect([await compare(), dropped]).toEqual([false, []]);
});

test('a provider that is wrong is dropped, and the next one is asked', async () => {
  const { compare, dropped } = scene(BYTES, [wrong, right]);
  expect([await compare(), dropped]).toEqual([true, ['m2']]);
});

test('where no provider is left, nothing is known', async () => {
  expect(await scene(BYTES, []).compare()).toBeUndefined();
  expect(await scene(BYTES, [wrong, () => undefined]).compare()).toBeUndefined();
});

test.each([
  [BYTES, true],
  [OTHER, false],
  [Buffer.alloc(0), false],
])('what is read back is compared: %s', async (there, isSame) => {
  expect(await isSameReadBack(BYTES, scene(there, []).back as never)).toBe(isSame);
});

test.each(['sha256', 'sha512', 'sha1', 'md5'] as const)('the digest of a range by %s', (algorithm) => {
  const range = { offset: 3, length: 9 };
  expect(digestOf(BYTES, range, algorithm)).toEqual(hash(BYTES, range, algorithm));
});
