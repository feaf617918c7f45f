/**
 * Uploads through the whole engine and the whole SFTP remote to a stand-in server, with a real shell for its commands.
 */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { findSources } from '../../src/engine/local/local-files.ts';
import { Counters } from '../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../src/engine/runner/local-runner.ts';
import type { TransferOutcome } from '../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../src/engine/upload/upload.ts';
import type { Remote } from '../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../src/remotes/sftp/digests/open-digester.ts';
import type { SessionOptions } from '../../src/remotes/sftp/session.ts';
import { localShell } from './local-shell.ts';
import { type Quirks, StandInSftpServer } from './stand-in-sftp-server.ts';
import { makeTempDir } from './temp-dir.ts';
import { contents, type UploadSettings } from './upload-scene.ts';

export interface StandInUpload {
  readonly server: StandInSftpServer;
  /** Where the file goes. */
  readonly target: string;
  readonly source: Buffer;
  readonly events: TransferEvent[];
  /** All that was to be executed. */
  readonly commands: readonly string[];
  run(options?: Partial<UploadSettings>): Promise<TransferOutcome>;
}

export interface StandInUploadOptions {
  /** Of the file, bytes. */
  readonly size: number;
  readonly quirks?: Partial<Quirks>;
  readonly session?: Partial<SessionOptions>;
  /** How the server's SSH names itself. */
  readonly software?: string;
  /** What the shell finds at the path of a file that the server has with `bytes`. Default: the same. */
  readonly shellSees?: (path: string, bytes: Buffer) => Buffer;
}

/** The server's files have paths of this machine, so that a shell finds there what it is asked for. */
export async function standInUpload(options: StandInUploadOptions): Promise<StandInUpload> {
  const { size, quirks = {}, session = {}, software = 'stand-in', shellSees = (_, bytes) => bytes } = options;
  const temp = await makeTempDir('stand-in');
  onTestFinished(temp.remove);
  const source = contents(size, 3);
  await writeFile(temp.file('source'), source);
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
  const target = `${tree}/f`;
  const events: TransferEvent[] = [];
  const run = async (more: Partial<UploadSettings> = {}): Promise<TransferOutcome> => {
    const counters = new Counters();
    const all: UploadSettings = {
      destination: Buffer.from(target),
      pieceSize: 64 * 1024,
      verify: 'auto',
      digests: { methods: DIGEST_METHODS, algorithm: 'auto' },
      inplace: false,
      preserve: true,
      dryRun: false,
      wanted: 3,
      maxStartups: 8,
      connectIntervalMs: 0,
      retryForMs: 2000,
      journals: {
        directory: temp.file('state'),
        identity: remote.identity,
        machine: 'm',
        resume: true,
        onFailed: (error) => {
          throw error;
        },
      },
      ...more,
    };
    const found = await findSources([Buffer.from(temp.file('source'))]);
    const upload = new TransferRun(
      new LocalRunner(remote, counters),
      counters,
      new Upload(found, all),
      all,
      (event) => {
        events.push(structuredClone(event));
      },
    );
    return upload.run(new AbortController().signal);
  };
  return { server, target, source, events, commands: shell.commands, run };
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
