/** A stand-in server as the remote of whole runs, with a real shell for its commands. */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { JournalStore } from '../../src/engine/resume/file-journal.ts';
import type { Remote } from '../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../src/remotes/sftp/digests/open-digester.ts';
import type { SessionOptions } from '../../src/remotes/sftp/session.ts';
import { localShell } from './local-shell.ts';
import { type Quirks, StandInSftpServer } from './stand-in-sftp-server.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';

export interface StandInRemoteOptions {
  readonly quirks?: Partial<Quirks>;
  readonly session?: Partial<SessionOptions>;
  /** How the server's SSH names itself. */
  readonly software?: string;
  /** What the shell finds at the path of a file that the server has with `bytes`. Default: the same. */
  readonly shellSees?: (path: string, bytes: Buffer) => Buffer;
}

export interface StandInRemote {
  readonly temp: TempDir;
  readonly server: StandInSftpServer;
  /** The directory of the server's files. */
  readonly tree: string;
  readonly remote: Remote;
  /** All that was to be executed. */
  readonly commands: readonly string[];
  /** What every run is told, whichever its direction. */
  readonly settings: {
    readonly journals: JournalStore;
    readonly digests: { readonly methods: typeof DIGEST_METHODS; readonly algorithm: 'auto' };
    readonly pieceSize: number;
    readonly verify: 'auto';
    readonly dryRun: false;
    readonly wanted: number;
    readonly maxStartups: number;
    readonly connectIntervalMs: number;
    readonly retryForMs: number;
  };
}

/** The server's files have paths of this machine, so that a shell finds there what it is asked for. */
export async function standInRemote(options: StandInRemoteOptions): Promise<StandInRemote> {
  const { quirks = {}, session = {}, software = 'stand-in', shellSees = (_, bytes) => bytes } = options;
  const temp = await makeTempDir('stand-in');
  onTestFinished(temp.remove);
  const tree = temp.file('tree');
  const server = new StandInSftpServer(quirks);
  server.put(tree, '', { kind: 'directory', mode: 0o755 });
  mkdirSync(tree);
  const shell = localShell(temp.path, () => {
    for (const [path, { bytes, kind }] of server.disk) if (kind === 'file') writeOver(path, shellSees(path, bytes));
  });
  onTestFinished(shell.stop);
  const remote: Remote = {
    spec: { protocol: 'stand-in' },
    digestMethods: DIGEST_METHODS,
    identity: { host: 'stand-in', port: 22, user: 'me' },
    connect: async (_, __, admitted) => {
      admitted();
      return server.connection(software, { exec: shell.exec }, session);
    },
  };
  const journals: JournalStore = {
    directory: temp.file('state'),
    identity: remote.identity,
    machine: 'm',
    resume: true,
    onFailed: (error) => {
      throw error;
    },
  };
  const settings = {
    journals,
    digests: { methods: DIGEST_METHODS, algorithm: 'auto' },
    pieceSize: 64 * 1024,
    verify: 'auto',
    dryRun: false,
    wanted: 3,
    maxStartups: 8,
    connectIntervalMs: 0,
    retryForMs: 2000,
  } as const;
  return { temp, server, tree, remote, commands: shell.commands, settings };
}

/** Never empty meanwhile: somebody may be reading it. */
function writeOver(path: string, bytes: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT);
  try {
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
