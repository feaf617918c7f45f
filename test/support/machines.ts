/** Machines that upload to one server, each over a relay of its own: with a home and a state directory of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDirForTest } from './for-one-test.ts';
import { type LiveRun, startLiveRun } from './live-run.ts';
import { LOOKS_AGAIN_SOON } from './mtput.ts';
import { repoRoot } from './repo-root.ts';
import { type SshRelay, startSshRelay } from './ssh-relay.ts';
import type { TestServer } from './test-server.ts';

const OTHER_HOST = join(repoRoot, 'test/support/other-host.cjs');

export interface Machine {
  readonly relay: SshRelay;
  /** Starts mtput there. */
  put(source: string, path: string, more?: readonly string[]): Promise<LiveRun>;
}

export interface MachineOptions {
  readonly name: string;
  /** A state directory that it shares with others; its own unless set. */
  readonly stateDir?: string;
  /** `LOOKS_AGAIN_SOON`. Default: false. */
  readonly isHurried?: boolean;
}

/** For the test that runs now. */
export async function machineForTest(
  server: TestServer,
  { name, stateDir, isHurried = false }: MachineOptions,
): Promise<Machine> {
  const dir = await tempDirForTest();
  const relay = await startSshRelay(server);
  onTestFinished(relay.stop);
  const knownHostsFile = dir.file('known_hosts');
  await mkdir(dir.file('home'));
  await writeFile(knownHostsFile, `[${server.host}]:${relay.port} ${relay.hostKey}\n`);
  const seen: TestServer = { ...server, port: relay.port, knownHostsFile, dir: dir.path };
  const environment = { TEST_HOST_NAME: name, ...(stateDir !== undefined && { XDG_STATE_HOME: stateDir }) };
  const hurry = isHurried ? (LOOKS_AGAIN_SOON.nodeArguments ?? []) : [];
  const program = { nodeArguments: ['--require', OTHER_HOST, ...hurry], environment };
  return { relay, put: (source, path, more = []) => startLiveRun([source], { server: seen, path }, more, program) };
}
