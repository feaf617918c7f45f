/** Finds out for a run, on one of its files, whether a second connection may write beside the one that staged it. */
import { CopyError } from '../../errors.ts';
import type { StageToken, WriterProbe } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { UploadContext } from './upload-context.ts';

/** With fewer bytes than this left to send, a second connection would not help. */
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

export interface ProbeListener {
  /** Resolves when no connection works on the file. */
  drain(): Promise<void>;
  found(result: WriterProbe): void;
  failed(error: CopyError): void;
  /** The file goes on. */
  ended(): void;
}

export class WriterSearch {
  readonly #run: UploadContext;
  readonly #file: number;
  readonly #listener: ProbeListener;
  #asking: { readonly task: number; readonly answer: Deferred<WriterProbe> } | undefined;
  #work: Promise<void> | undefined;

  constructor(run: UploadContext, file: number, listener: ProbeListener) {
    this.#run = run;
    this.#file = file;
    this.#listener = listener;
  }

  /** Settles when nothing is under way any more. */
  get work(): Promise<void> | undefined {
    return this.#work;
  }

  /** Whether a runner is probing. */
  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /** Begins if the answer is wanted, and not sought on another file, and there is a second connection to ask with. */
  consider(subject: ProbeSubject): void {
    const { writers, scheduler, pool, runner } = this.#run;
    if (this.#work !== undefined || writers.known !== 'unknown' || writers.probing) return;
    // Its owner writes from the beginning on: what follows can be taken back for the probe.
    if (!isWorthIt(scheduler.bytesAcknowledged(this.#file), subject)) return;
    const second = pool.open.find((id) => id !== subject.owner && runner.local.connection(id) !== undefined);
    if (second === undefined) return;
    writers.probing = true;
    this.#work = this.#search(subject, second).finally(() => {
      writers.probing = false;
      this.#work = undefined;
    });
  }

  answered(task: number, result: WriterProbe | undefined, error: CopyError | undefined): void {
    if (this.#asking?.task !== task) return;
    if (result !== undefined) this.#asking.answer.resolve(result);
    else this.#asking.answer.reject(error);
  }

  fail(error: CopyError): void {
    this.#asking?.answer.reject(error);
  }

  async #search(subject: ProbeSubject, second: number): Promise<void> {
    const { scheduler } = this.#run;
    await this.#listener.drain();
    try {
      const next = scheduler.bytesToDo(this.#file).first?.offset;
      if (next !== undefined && isWorthIt(next, subject)) {
        const result = await this.#ask(subject, second, next);
        this.#asking = undefined;
        this.#listener.found(result);
        // Without anything to rely on the file is begun anew.
        if (result.written === undefined) return;
      }
    } catch (error) {
      this.#asking = undefined;
      this.#listener.failed(CopyError.from(error));
      return;
    }
    scheduler.resume(this.#file, 'drain');
    this.#run.pump();
    this.#listener.ended();
  }

  #ask(subject: ProbeSubject, second: number, firstOffset: number): Promise<WriterProbe> {
    const { owner, fd, of, size } = subject;
    const secondOffset = secondOffsetOf(firstOffset, subject);
    const task = this.#run.scheduler.nextTask();
    const answer = deferred<WriterProbe>();
    this.#asking = { task, answer };
    this.#run.runner.post({
      kind: 'probe-writers',
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

/** Beyond all that is written before: what was found when the file was opened, and what its owner writes in order. */
function secondOffsetOf(firstOffset: number, { foundSize }: ProbeSubject): number {
  return Math.max(firstOffset + SLICE_DISTANCE, foundSize);
}
