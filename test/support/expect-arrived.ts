import { readdir } from 'node:fs/promises';
import { expect } from 'vitest';
import type { JsonRun } from './mtput.ts';
import { PARTIAL_NAME } from './partials.ts';
import { sha256Of } from './random-file.ts';
import type { TestServer } from './test-server.ts';

/** What a run told beside its progress, for the message of a test that failed. */
function story({ events }: JsonRun): string {
  return events
    .filter(({ type }) => type !== 'progress')
    .map((event) => JSON.stringify(event))
    .join('\n');
}

interface Allowed {
  /** Partial files that are not of this run. */
  readonly others?: number;
}

/**
 * Exit 0, the same bytes under the name, and nothing else left in the server's home, save partial files of `others`.
 */
export function expectArrived(
  run: JsonRun,
  server: TestServer,
  name: string,
  source: { readonly sha256: string },
  allowed?: Allowed,
): Promise<void> {
  return expectArrivedIn(run, server.home, name, source, allowed);
}

/** The same of a directory of either side. */
export async function expectArrivedIn(
  run: JsonRun,
  directory: string,
  name: string,
  source: { readonly sha256: string },
  { others = 0 }: Allowed = {},
): Promise<void> {
  const { code, signal, stderr } = run;
  expect({ code, signal }, `${story(run)}\n${stderr}`).toEqual({ code: 0, signal: null });
  const names = await readdir(directory);
  expect(names.filter((other) => !PARTIAL_NAME.test(other))).toEqual([name]);
  expect(names.filter((other) => PARTIAL_NAME.test(other))).toHaveLength(others);
  expect(await sha256Of(`${directory}/${name}`)).toBe(source.sha256);
}
