import { copyFile, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOk } from '../../test/support/process.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../test/support/proxy.ts';
import { sha256Of, writeRandomFile, writeSparseFile } from '../../test/support/random-file.ts';
import { type SshdOptions, startSshd } from '../../test/support/sshd.ts';
import { withTempDir } from '../../test/support/temp-dir.ts';
import type { TestServer } from '../../test/support/test-server.ts';
import type { Direction } from './direction.ts';
import { bytesFree, type LandingOptions, withLanding } from './landing.ts';
import { say } from './say.ts';
import { type TreePlan, writeTree } from './tree/generated-tree.ts';
import { treeDigest } from './tree/tree-digest.ts';

/** A file or tree on one side, and a place for it on the other. */
export interface TransferScene {
  readonly direction: Direction;
  /** Its path, whichever side it is on. */
  readonly source: string;
  /** Of the file, or of the tree as `treeDigest` has it. */
  readonly sha256: string;
  /** Whether the source is a directory. */
  readonly isTree?: boolean;
  readonly server: TestServer;
  /** Where what is copied lands. */
  readonly landing: string;
  readonly landsIn: 'memory' | 'disk';
  readonly workDir: string;
}

export interface TransferSceneOptions extends LandingOptions {
  /** `up` unless set. */
  readonly direction?: Direction;
  readonly sshd?: SshdOptions;
  /** Random bytes that may repeat, or a hole, unless set. */
  readonly writeSource?: (path: string, bytes: number) => Promise<void>;
  /** The source is such a tree, instead of a file. `bytes` is the room that it takes. */
  readonly tree?: TreePlan;
}

async function writeCheaply(path: string, bytes: number): Promise<void> {
  if ((await bytesFree(tmpdir())) > 1.5 * bytes) await writeRandomFile(path, bytes);
  else {
    say('There is no room for a random file: the source is one hole.');
    await writeSparseFile(path, bytes);
  }
}

const SYNC_MS = 300_000;

/** Lest the disk be busy with it during the first run. */
async function sync(path: string): Promise<void> {
  const file = await open(path);
  await file.sync().finally(() => file.close());
}

/** A virtual machine may get its memory only when it is first used: the first tool must not pay for that. */
async function touchRoomFor(source: string, landing: string, treeRoom: number | undefined): Promise<void> {
  const copy = join(landing, 'first-use');
  await (treeRoom === undefined ? copyFile(source, copy) : writeRandomFile(copy, treeRoom));
  await rm(copy);
}

/** Writes what is to be copied, and returns its digest. */
async function makeSource(path: string, options: TransferSceneOptions): Promise<string> {
  const { bytes, tree, writeSource = writeCheaply } = options;
  if (tree !== undefined) {
    writeTree(path, tree);
    await runOk('sync', [], { timeoutMs: SYNC_MS });
    return treeDigest(path);
  }
  await writeSource(path, bytes);
  await sync(path);
  return sha256Of(path);
}

export async function withTransferScene<T>(
  options: TransferSceneOptions,
  action: (scene: TransferScene) => Promise<T>,
): Promise<T> {
  const { direction = 'up', bytes, tree } = options;
  const isTree = tree !== undefined;
  return withTempDir(async (dir) => {
    const source = dir.file(isTree ? 'source' : 'source.bin');
    const sha256 = await makeSource(source, options);
    return withLanding(options, async (landing, landsIn) => {
      await touchRoomFor(source, landing, isTree ? bytes : undefined);
      const startDirectory = direction === 'up' ? landing : dir.path;
      const server = await startSshd({ logLevel: 'INFO', startDirectory, ...options.sshd });
      try {
        return await action({ direction, source, sha256, isTree, server, landing, landsIn, workDir: dir.path });
      } finally {
        await server.stop();
      }
    });
  }, 'bench');
}

/** What a line is like: shared by all connections of a run. */
export type Line = Omit<ProxyOptions, 'target' | 'port'>;

/** A line in front of the scene's server, which is known on its port too. */
export async function withLine<T>(
  { server }: TransferScene,
  line: Line,
  action: (proxy: RunningProxy) => Promise<T>,
): Promise<T> {
  const proxy = await startProxy({ ...line, target: { host: server.host, port: server.port } });
  try {
    await server.trustPort(proxy.port);
    return await action(proxy);
  } finally {
    await proxy.stop();
  }
}
