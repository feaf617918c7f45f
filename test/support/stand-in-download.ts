/** Downloads through the whole engine and the whole SFTP remote from a stand-in server. */

import { Download } from '../../src/engine/download/download.ts';
import type { TransferEvent } from '../../src/engine/events.ts';
import { Counters } from '../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../src/engine/runner/local-runner.ts';
import type { TransferOptions, TransferOutcome } from '../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../src/engine/transfer/transfer-run.ts';
import { type StandInRemoteOptions, standInRemote } from './stand-in-remote.ts';
import type { StandInSftpServer } from './stand-in-sftp-server.ts';
import { COPY_ALL } from './tree-options.ts';
import { contents } from './upload-scene.ts';

export interface StandInDownload {
  readonly server: StandInSftpServer;
  /** The path of the file on the server. */
  readonly path: string;
  readonly source: Buffer;
  /** Where the file goes. */
  readonly target: string;
  readonly events: TransferEvent[];
  run(options?: Partial<TransferOptions>): Promise<TransferOutcome>;
}

/** `size`: of the file, bytes. */
export async function standInDownload({
  size,
  ...options
}: StandInRemoteOptions & { readonly size: number }): Promise<StandInDownload> {
  const { temp, server, tree, remote, settings } = await standInRemote(options);
  const source = contents(size, 3);
  const path = `${tree}/f`;
  server.put(path, source);
  const target = temp.file('arrived');
  const events: TransferEvent[] = [];
  const run = (more: Partial<TransferOptions> = {}): Promise<TransferOutcome> => {
    const counters = new Counters();
    const destination = Buffer.from(target);
    const direction = new Download({
      sources: [Buffer.from(path)],
      destination,
      inplace: false,
      preserve: true,
      trees: COPY_ALL,
    });
    const all: TransferOptions = { ...settings, ...more };
    const download = new TransferRun(new LocalRunner(remote, counters), counters, direction, all, (event) => {
      events.push(structuredClone(event));
    });
    return download.run(new AbortController().signal);
  };
  return { server, path, source, target, events, run };
}
