/** Uploads through the whole engine and the whole SFTP remote to a stand-in server. */

import { writeFile } from 'node:fs/promises';
import type { TransferEvent } from '../../src/engine/events.ts';
import { findSources } from '../../src/engine/local/local-files.ts';
import { Counters } from '../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../src/engine/runner/local-runner.ts';
import type { TransferOutcome } from '../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../src/engine/upload/upload.ts';
import { type StandInRemoteOptions, standInRemote } from './stand-in-remote.ts';
import type { StandInSftpServer } from './stand-in-sftp-server.ts';
import { COPY_ALL } from './tree-options.ts';
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

export interface StandInUploadOptions extends StandInRemoteOptions {
  /** Of the file, bytes. */
  readonly size: number;
}

export async function standInUpload({ size, ...options }: StandInUploadOptions): Promise<StandInUpload> {
  const { temp, server, tree, remote, commands, settings } = await standInRemote(options);
  const source = contents(size, 3);
  await writeFile(temp.file('source'), source);
  const target = `${tree}/f`;
  const events: TransferEvent[] = [];
  const run = async (more: Partial<UploadSettings> = {}): Promise<TransferOutcome> => {
    const counters = new Counters();
    const all: UploadSettings = {
      ...settings,
      destination: Buffer.from(target),
      inplace: false,
      preserve: true,
      trees: COPY_ALL,
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
  return { server, target, source, events, commands, run };
}
