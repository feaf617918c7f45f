/** Events and streams for tests of the displays. */
import { Writable } from 'node:stream';
import type { TransferEvent, TransferEventBody } from '../../../src/engine/events.ts';
import { CopyError, type ErrorCode } from '../../../src/errors.ts';

type Body<T extends TransferEventBody['type']> = Omit<Extract<TransferEventBody, { type: T }>, 'type'>;

function make<T extends TransferEventBody['type']>(type: T, body: Body<T>, atMs = 0): TransferEvent {
  return { v: 1, atMs, type, ...body } as unknown as TransferEvent;
}

export const mib: number = 1024 ** 2;

export function plan(files = 1, more: Partial<Body<'plan'>> = {}): TransferEvent {
  const body = {
    direction: 'upload' as const,
    files,
    bytes: 100 * mib,
    connections: 10,
    destination: 'h:d',
    dryRun: false,
  };
  return make('plan', { ...body, ...more });
}

export function file(state: Body<'file'>['state'], more: Partial<Body<'file'>> = {}): TransferEvent {
  return make('file', { state, source: 'dir/big.iso', target: '/home/u/big.iso', size: 100 * mib, ...more });
}

export function connection(state: Body<'connection'>['state'], more: Partial<Body<'connection'>> = {}): TransferEvent {
  return make('connection', { connection: 3, state, ...more });
}

export function notice(level: 'info' | 'warning', message: string): TransferEvent {
  return make('notice', { level, code: 'test', message });
}

export function progress(bytesDone: number, atMs: number, more: Partial<Body<'progress'>> = {}): TransferEvent {
  const body = { bytesTotal: 100 * mib, filesDone: 0, filesTotal: 1, bytesPerSecond: 36 * mib, etaMs: 20_000 };
  return make(
    'progress',
    { bytesDone, bytesResumed: 0, ...body, connections: 7, connectionsWanted: 10, ...more },
    atMs,
  );
}

export function result(exitCode = 0, more: Partial<Body<'result'>> = {}): TransferEvent {
  const done = exitCode === 0;
  return make('result', {
    exitCode,
    filesDone: done ? 1 : 0,
    filesFailed: done ? 0 : 1,
    filesSkipped: 0,
    bytesSkipped: 0,
    bytesSent: 1224 * mib,
    bytesResumed: 0,
    bytesKept: 0,
    elapsedMs: 34_000,
    verified: { byDigest: 0, byReadBack: 0, bySize: 1224 * mib, notVerified: 0 },
    connectionsUsed: 10,
    ...more,
  });
}

export function failure(code: ErrorCode, message: string): { readonly error: ReturnType<CopyError['toData']> } {
  return { error: new CopyError(code, message).toData() };
}

/** A stream that keeps what is written to it. */
export class Collector extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(isTTY = false, columns = 80) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }
}
