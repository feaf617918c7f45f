import { expect } from 'vitest';
import type { RunResult } from './process.ts';

/**
 * Fails unless the run ended with `code`, and its last lines are one sentence of what happened and one of what to do;
 * behind them it may say what is kept.
 */
export function expectFailure(run: RunResult, code: number, happened: RegExp, advice: RegExp): void {
  const isKept = (line: string): boolean =>
    / are safe (on the server|in the partial file); the same command continues from there\.$/.test(line) ||
    / were stored when the server last answered; the same command continues with what is there\.$/.test(line);
  const lines = run.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !isKept(line));
  expect({ code: run.code, lines }).toEqual({
    code,
    lines: [...lines.slice(0, -2), expect.stringMatching(happened), expect.stringMatching(advice)],
  });
  expect(lines.at(-2)).toMatch(/^(mtput|mtget): .*\.$/);
  expect(lines.at(-1)).toMatch(/[^:]$/);
  expect(run.stderr).not.toMatch(/^ +at /m);
}

/** Fails, showing what was printed, unless everything was copied. */
export function expectSuccess(run: RunResult): void {
  expect(run.code, run.stderr).toBe(0);
}
