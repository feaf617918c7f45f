import { expect, it } from 'vitest';
import { type Results, verificationText } from '../../../scripts/lib/verification.mjs';

const file = (name: string, more: Partial<Results['files'][number]> = {}): Results['files'][number] => ({
  file: name,
  passed: 3,
  failed: 0,
  skipped: 0,
  durationMs: 2000,
  ...more,
});

const results: Results = {
  startedAtMs: Date.UTC(2030, 0, 2, 3, 4),
  durationMs: 754_400,
  passed: 12,
  failed: 2,
  skipped: 3,
  files: [
    file('test/unit/b.test.ts'),
    file('test/e2e/put.full.test.ts', { failed: 1, skipped: 3, durationMs: 70_000 }),
    file('test/unit/a.test.ts', { passed: 6 }),
  ],
  failures: [
    { file: 'test/e2e/put.full.test.ts', test: 'a put > of one_file', reason: 'expected 1 to be 2' },
    { file: '', test: '', reason: 'nobody waited for this' },
  ],
  skips: [
    { file: 'test/e2e/put.full.test.ts', test: 'x [skipped: no proftpd] > y', reason: 'no proftpd' },
    { file: 'test/e2e/put.full.test.ts', test: 'x [skipped: no proftpd] > z', reason: 'no proftpd' },
    { file: 'test/e2e/put.full.test.ts', test: 'mounts', reason: 'no mount' },
  ],
  figures: [
    { file: 'test/e2e/put.full.test.ts', test: 'one', figures: { 'time ÷ limit': 1.23456, resets: 15 } },
    { file: 'test/e2e/put.full.test.ts', test: 'two', figures: { 'time ÷ limit': 1.04 } },
    { file: 'test/unit/a.test.ts', test: 'three', figures: { seeds: '7, 8' } },
  ],
};

it('tells date, versions, counts, time, what failed or was skipped and why, and what was measured', () => {
  expect(verificationText(results, ['Node v20.0.0', 'OpenSSH: 9.2'])).toBe(`# Verification

Written by \`npm run test:full\`.

- Date: 2030-01-02 03:04 UTC
- Result: 12 passed, 2 failed, 3 skipped, in 3 files
- Time: 12 min 34 s
- Node v20.0.0
- OpenSSH: 9.2

## Failed

- test/e2e/put.full.test.ts: a put \\> of one\\_file: expected 1 to be 2
- outside of any test: nobody waited for this

## Skipped

- test/e2e/put.full.test.ts: no proftpd (x \\> y; x \\> z)
- test/e2e/put.full.test.ts: no mount (mounts)

## Figures

- test/e2e/put.full.test.ts: time ÷ limit: 1.04 to 1.23 (2 tests)
- test/e2e/put.full.test.ts: resets: 15
- test/unit/a.test.ts: seeds: 7, 8

## Tests in each file

- **test/e2e**, 3 (1 failed, 3 skipped) in 1 min 10 s: put.full 3 (1 failed, 3 skipped)
- **test/unit**, 9 in 4 s: a 6, b 3
`);
});

it('has no section for what there was not', () => {
  const text = verificationText({ ...results, failed: 0, failures: [], skips: [], figures: [] }, []);
  expect(text.match(/^## .*/gm)).toEqual(['## Tests in each file']);
});

it('has at most 150 lines, whatever failed, and says how much it leaves out', () => {
  const many = Array.from({ length: 200 }, (_, index) => `test/d${index}/x.test.ts`);
  const cases = many.map((name) => ({ file: name, test: 'x\ny', reason: 'many\nlines'.repeat(100) }));
  const text = verificationText(
    {
      ...results,
      files: many.map((name) => file(name)),
      failures: cases,
      skips: cases,
      figures: many.map((name) => ({ file: name, test: 'x', figures: { bytes: 1 } })),
    },
    ['Node v20.0.0', 'OpenSSH: 9.2', 'proftpd: 1.3'],
  );
  expect(text.split('\n').length).toBeLessThanOrEqual(150);
  expect(text.match(/^- and 171 more$/gm)).toHaveLength(4);
});
