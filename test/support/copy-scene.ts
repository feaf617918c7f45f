/** One file on one side, to be copied to the other: for tests that hold in both directions. */
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import type { Direction } from './directions.ts';
import { type SourceForTest, sourceForTest, tempDirForTest } from './for-one-test.ts';
import { type LiveRun, startLiveDownload, startLiveRun } from './live-run.ts';
import { type JsonRun, mtgetJson, mtputJson } from './mtput.ts';
import type { TestServer } from './test-server.ts';

/** What the target is called. */
export const NAME = 'arrived.bin';

export interface CopyScene {
  readonly direction: Direction;
  readonly server: TestServer;
  readonly source: SourceForTest;
  /** Where the target is, and nothing else. */
  readonly directory: string;
  /** Runs to the end. `port`: of a proxy in front of the server. */
  run(args: readonly string[], port?: number): Promise<JsonRun>;
  /** Starts a run that is to be interrupted. */
  start(args: readonly string[], port?: number): Promise<LiveRun>;
}

export function uploadScene(server: TestServer, source: SourceForTest): CopyScene {
  const to = (port = server.port) => ({ server, port, path: NAME });
  return {
    direction: 'up',
    server,
    source,
    directory: server.home,
    run: (args, port) => mtputJson([source.path], to(port), args),
    start: (args, port) => startLiveRun([source.path], to(port), args),
  };
}

async function downloadScene(server: TestServer, source: SourceForTest): Promise<CopyScene> {
  const path = join(server.home, 'source.bin');
  await link(source.path, path);
  const directory = await tempDirForTest();
  const target = directory.file(NAME);
  const from = (port = server.port) => ({ server, port, paths: ['source.bin'] });
  return {
    direction: 'down',
    server,
    source: { ...source, path },
    directory: directory.path,
    run: (args, port) => mtgetJson(from(port), target, args),
    start: (args, port) => startLiveDownload(from(port), target, args),
  };
}

/** To be called while a test runs. */
export async function sceneForTest(direction: Direction, server: TestServer, size: number): Promise<CopyScene> {
  const source = await sourceForTest(size);
  return direction === 'up' ? uploadScene(server, source) : downloadScene(server, source);
}
