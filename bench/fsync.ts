// npm run bench -- fsync [--directory PATH]: how long a small file takes to be brought to the disk of the server.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../test/support/repo-root.ts';
import { startSshd } from '../test/support/sshd.ts';
import type { TestServer } from '../test/support/test-server.ts';
import { chooseRuns, takeOption } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { withSessions } from './support/fsync/sessions.ts';
import { type SyncedWrites, writeFiles } from './support/fsync/write-files.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { say } from './support/say.ts';
import { fsyncSheet } from './support/sheets/fsync.ts';

const FILES = 200;
const FILE_BYTES = 4096;
const RUNS = 3;

const ENTRANTS = [1, 10].flatMap((connections) => {
  const over = connections === 1 ? '1 connection' : `${connections} connections`;
  return [
    { name: `written-${connections}`, label: `${over}, written`, connections, isSynced: false },
    { name: `synced-${connections}`, label: `${over}, written and synced`, connections, isSynced: true },
  ];
});

/** `base` is on the disk that is measured. What is written there is removed. */
async function withDirectory<T>(base: string, action: (path: string) => Promise<T>): Promise<T> {
  await mkdir(base, { recursive: true });
  const path = await mkdtemp(join(base, 'mt-copy-fsync-'));
  return action(path).finally(() => rm(path, { recursive: true, force: true }));
}

/** Connecting is not measured. */
async function runOnce(entrant: (typeof ENTRANTS)[number], server: TestServer, base: string): Promise<Run> {
  return withDirectory(base, (directory) =>
    withSessions(server, entrant.connections, async (sessions) => {
      const writes: SyncedWrites = { directory, files: FILES, bytes: FILE_BYTES, isSynced: entrant.isSynced };
      const begin = performance.now();
      await writeFiles(sessions, writes);
      return { tool: entrant.name, seconds: (performance.now() - begin) / 1000 };
    }),
  );
}

await benchMain(async () => {
  // Temporary directories are in memory on many machines; the checkout is not.
  const { value: base = join(repoRoot, 'build'), rest } = takeOption(process.argv.slice(2), 'directory');
  const choice = chooseRuns(rest, ENTRANTS, () => RUNS);
  say(
    `${FILES} files of ${FILE_BYTES / 1024} KiB below ${base}, in turn: ${choice.chosen.map(({ name }) => name)} ...`,
  );
  const server = await startSshd({ logLevel: 'INFO' });
  try {
    const runs = await runInTurn(choice, (entrant) => runOnce(entrant, server, base));
    const facts = { bytes: FILES * FILE_BYTES, files: FILES, landsIn: 'disk' as const };
    await finishScene(fsyncSheet, { items: choice.chosen, facts, runs, complete: choice.complete });
  } finally {
    await server.stop();
  }
});
