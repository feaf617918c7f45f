import { describe, expect, test } from 'vitest';
import { isSizeVerified } from '../../../../src/engine/upload/final-checks.ts';

const file = { name: 'f', shownTarget: '/f', size: 100 };
const verified = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };

function check(
  size: number | undefined,
  bytes: Partial<typeof verified> = {},
  verify: 'auto' | 'size' | 'none' = 'auto',
) {
  const notices: string[] = [];
  const report = { notice: (code: string) => void notices.push(code) };
  return {
    notices,
    is: () => isSizeVerified(report, verify, file, { size, isAtomic: true }, { ...verified, ...bytes }),
  };
}

describe('the size of the target', () => {
  test('is that of the source', () => {
    expect(check(100).is()).toBe(true);
  });

  test('is another one, and nothing else was verified: the file is not right', () => {
    expect(check(99).is).toThrow(expect.objectContaining({ code: 'integrity' }));
  });

  test.each([{ byDigest: 100 }, { byReadBack: 100 }, { byDigest: 60, byReadBack: 40 }])(
    'is another one, although what was published was right (%o): another run has replaced it',
    (bytes) => {
      expect(check(99, bytes).is).toThrow(expect.objectContaining({ code: 'target-busy', exitCode: 12 }));
    },
  );

  test('is not told: that is said, unless the contents were verified', () => {
    const unknown = check(undefined);
    expect(unknown.is()).toBe(false);
    expect(unknown.notices).toEqual(['not-verified']);
    const known = check(undefined, { byDigest: 100 });
    expect(known.is()).toBe(false);
    expect(known.notices).toEqual([]);
    expect(check(undefined, {}, 'size').is).toThrow(expect.objectContaining({ code: 'integrity' }));
  });

  test('does not matter', () => {
    expect(check(99, {}, 'none').is()).toBe(false);
  });
});
