/** Finds out, on one file of a run, whether a second connection may write it too, beside the one that staged it. */
import { CopyError } from '../../errors.ts';
import type { StageToken, WriterProbe } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { ConnectionPool } from '../connections/connection-pool.ts';
import type { PieceRunner } from '../runner/piece-runner.ts';
import type { LocalConnections } from '../runner/runners.ts';
import type { JobLedger } from '../transfer/job-ledger.ts';
import type { Writers } from './writers.ts';

/** If fewer bytes than this are left to send, a second connection would not make the upload faster. */
const MIN_REST = 1024 * 1024;
/**
 * From the slice that the first connection writes to that of the second. Between them lies a gap, because a server that
 * ignores offsets would append the second slice to the first. The gap is short, because a server may delay a write
 * according to its offset.
 */
const SLICE_DISTANCE = 64 * 1024;

/** The file to probe on. */
export interface ProbeSubject {
  /** The connection that staged it. */
  readonly owner: number;
  readonly fd: number;
  readonly of: StageToken;
  /** Size of the staged file when it was opened: the second connection must write beyond it. */
  readonly foundSize: number;
  readonly size: number;
}

export interface SearchServices {
  readonly writers: Writers;
  readonly ledger: Pick<JobLedger, 'bytesAcknowledged' | 'toDo' | 'nextTask' | 'resume'>;
  readonly pool: Pick<ConnectionPool, 'open'>;
  readonly runner: Pick<PieceRunner, 'post'> & { readonly local: Pick<LocalConnections, 'connection'> };
  /** Gives idle connections something to do. */
  dispatch(): void;
}

/** The file job. */
export interface ProbeListener {
  /** Resolves when no connection works on the file. */
  drain(): Promise<void>;
  onFound(result: WriterProbe): void;
  onFailed(error: CopyError): void;
  /** The file is transferred again. */
  onEnded(): void;
}

export class WriterSearch {
  /** Number of the file job. */
  readonly #job: number;
  readonly #services: SearchServices;
  readonly #listener: ProbeListener;
  #asking: { readonly task: number; readonly answer: Deferred<WriterProbe> } | undefined;
  #work: Promise<void> | undefined;

  constructor(job: number, services: SearchServices, listener: ProbeListener) {
    this.#job = job;
    this.#services = services;
    this.#listener = listener;
  }

  /** The search in progress; undefined: none is. Never rejects. */
  get work(): Promise<void> | undefined {
    return this.#work;
  }

  /** Whether a runner is probing. */
  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /**
   * Begins a search if the answer is not known, no other file is being probed, enough bytes are left, and a second
   * connection of this thread is open.
   */
  consider(subject: ProbeSubject): void {
    const { writers, ledger, pool, runner } = this.#services;
    if (this.#work !== undefined || writers.known !== 'unknown' || writers.isProbing) return;
    // The owner writes in ascending order, so that the bytes that follow can be taken back for the probe.
    if (!isWorthIt(ledger.bytesAcknowledged, subject)) return;
    const second = pool.open.find((id) => id !== subject.owner && runner.local.connection(id) !== undefined);
    if (second === undefined) return;
    writers.isProbing = true;
    this.#work = this.#search(subject, second).finally(() => {
      writers.isProbing = false;
      this.#work = undefined;
    });
  }

  onAnswer(task: number, result: WriterProbe | undefined, error: CopyError | undefined): void {
    if (this.#asking?.task !== task) return;
    if (result !== undefined) this.#asking.answer.resolve(result);
    else this.#asking.answer.reject(error);
  }

  fail(error: CopyError): void {
    this.#asking?.answer.reject(error);
  }

  async #search(subject: ProbeSubject, second: number): Promise<void> {
    const { ledger } = this.#services;
    await this.#listener.drain();
    try {
      const next = ledger.toDo.first?.offset;
      if (next !== undefined && isWorthIt(next, subject)) {
        const result = await this.#ask(subject, second, next);
        this.#asking = undefined;
        this.#listener.onFound(result);
        // Nothing that was written can be relied on: the file begins again.
        if (result.written === undefined) return;
      }
    } catch (error) {
      this.#asking = undefined;
      this.#listener.onFailed(CopyError.from(error));
      return;
    }
    ledger.resume('drain');
    this.#services.dispatch();
    this.#listener.onEnded();
  }

  #ask(subject: ProbeSubject, second: number, firstOffset: number): Promise<WriterProbe> {
    const { owner, fd, of, size } = subject;
    const secondOffset = secondOffsetOf(firstOffset, subject);
    const task = this.#services.ledger.nextTask();
    const answer = deferred<WriterProbe>();
    this.#asking = { task, answer };
    this.#services.runner.post({
      kind: 'probe-writers',
      job: this.#job,
      task,
      connection: owner,
      second,
      fd,
      of,
      firstOffset,
      secondOffset,
      size,
    });
    return answer.promise;
  }
}

function isWorthIt(firstOffset: number, subject: ProbeSubject): boolean {
  return subject.size - secondOffsetOf(firstOffset, subject) >= MIN_REST;
}

/**
 * Beyond everything that was written before: what the file had when it was opened, and what its owner writes in order.
 */
function secondOffsetOf(firstOffset: number, { foundSize }: ProbeSubject): number {
  return Math.max(firstOffset + SLICE_DISTANCE, foundSize);
}
