import { copyFile, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../test/support/proxy.ts';
import { sha256Of, writeRandomFile, writeSparseFile } from '../../test/support/random-file.ts';
import { type SshdOptions, startSshd } from '../../test/support/sshd.ts';
import { withTempDir } from '../../test/support/temp-dir.ts';
import type { TestServer } from '../../test/support/test-server.ts';
import type { Direction } from './direction.ts';
import { bytesFree, type LandingOptions, withLanding } from './landing.ts';
import { say } from './say.ts';

/** A file on one side, and a place for it on the other. */
export interface TransferScene {
  readonly direction: Direction;
  /** Its path, whichever side it is on. */
  readonly source: string;
  readonly sha256: string;
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
}

async function writeCheaply(path: string, bytes: number): Promise<void> {
  if ((await bytesFree(tmpdir())) > 1.5 * bytes) await writeRandomFile(path, bytes);
  else {
    say('There is no room for a random file: the source is one hole.');
    await writeSparseFile(path, bytes);
  }
}

/** Lest the disk be busy with it during the first run. */
async function sync(path: string): Promise<void> {
  const file = await open(path);
  await file.sync().finally(() => file.close());
}

/** A virtual machine may get its memory only when it is first used: the first tool must not pay for that. */
async function touchRoomFor(source: string, landing: string): Promise<void> {
  const copy = join(landing, 'first-use');
  await copyFile(source, copy);
  await rm(copy);
}

export async function withTransferScene<T>(
  options: TransferSceneOptions,
  action: (scene: TransferScene) => Promise<T>,
): Promise<T> {
  const { direction = 'up', writeSource = writeCheaply } = options;
  return withTempDir(async (dir) => {
    const source = dir.file('source.bin');
    await writeSource(source, options.bytes);
    await sync(source);
    const sha256 = await sha256Of(source);
    return withLanding(options, async (landing, landsIn) => {
      await touchRoomFor(source, landing);
      const startDirectory = direction === 'up' ? landing : dir.path;
      const server = await startSshd({ logLevel: 'INFO', startDirectory, ...options.sshd });
      try {
        return await action({ direction, source, sha256, server, landing, landsIn, workDir: dir.path });
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
