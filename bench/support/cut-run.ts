import { copyFile, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { foreignPartial, partialsOf } from '../../test/support/partials.ts';
import { startProcess } from '../../test/support/process.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { missingBytes } from './missing-bytes.ts';
import { transferTo } from './run-transfer.ts';
import type { Tool } from './tools/tool.ts';
import type { TransferScene } from './transfer-scene.ts';

const BLOCK = 512;

/** What a run left that was killed. */
export interface CutRun {
  /** The partial file; to be read, not to be changed. */
  readonly partial: string;
  /** Bytes of the file that are not in it. */
  readonly missing: number;
  /** Puts it where a run for `target` finds it; its journal is that of the target of the cut run alone. */
  readonly restore: (target: string) => Promise<void>;
}

/** Undefined as long as there is none. */
async function partialOf(scene: TransferScene, target: string): Promise<string | undefined> {
  const [partial] = await partialsOf(scene.landing, target);
  return partial;
}

async function journalOf({ server }: TransferScene): Promise<string> {
  const dir = join(server.dir, 'state/mt-copy-tools');
  const [name, ...others] = (await readdir(dir)).filter((one) => one.endsWith('.journal'));
  if (name === undefined || others.length > 0) throw new Error('The run that was killed left no journal, or several');
  return join(dir, name);
}

async function bytesWritten(path: string | undefined): Promise<number> {
  if (path === undefined) return 0;
  return stat(path).then(
    ({ blocks }) => blocks * BLOCK,
    () => 0,
  );
}

/** Runs `tool` for `target` and kills it when about `share` of the file has arrived. */
export async function cutRun(scene: TransferScene, tool: Tool, target: string, share: number): Promise<CutRun> {
  const { source, server } = scene;
  const { size } = await stat(source);
  const { command, args, env } = await tool.call(transferTo(target, scene, server.port));
  const run = await startProcess(command, args, { env, stdio: 'ignore' });
  let hasEnded = false;
  void run.exited.then(() => {
    hasEnded = true;
  });
  try {
    const isThere = async (): Promise<boolean> =>
      hasEnded || (await bytesWritten(await partialOf(scene, target))) >= share * size;
    await waitFor(isThere, { what: 'the moment to kill mtput', timeoutMs: 120_000, pollMs: 2 });
  } finally {
    await run.stop('SIGKILL');
  }
  await waitFor(() => server.sessionPids().length === 0, { what: 'the end of its sessions' });
  const journalPath = await journalOf(scene);
  const journal = await readFile(journalPath);
  const kept = join(scene.landing, 'cut');
  const partial = await partialOf(scene, target);
  if (partial === undefined) throw new Error('The run that was killed left no partial file');
  await rename(partial, kept);
  const { atime, mtime } = await stat(kept);
  return {
    partial: kept,
    missing: await missingBytes(source, kept),
    restore: async (name) => {
      // Its journal names it; for another target it is as if another machine had staged it.
      const restored = name === target ? partial : foreignPartial(scene.landing, name);
      // Its mode is copied too.
      await copyFile(kept, restored);
      await utimes(restored, atime, mtime);
      if (name === target) await writeFile(journalPath, journal, { mode: 0o600 });
    },
  };
}
