/**
 * The piece runner of this thread. Unlike a worker, it also gives the engine its connections, for everything that is
 * not bulk data.
 *
 * What can go wrong: a connection is lost, a task fails, or a file cannot be closed. Each is reported; no method but
 * {@link LocalRunner.joined} rejects. These things always hold: reports are never delivered inside a command; the last
 * report of each task comes before the loss of its connection is reported; {@link LocalRunner.end} waits for all work.
 */
import { CopyError } from '../../errors.ts';
import type {
  Drain,
  Range,
  Remote,
  RemoteConnection,
  RemoteFile,
  Slices,
  Staged,
  StageToken,
} from '../../remotes/remote.ts';
import type { Counters } from './counters.ts';
import { drainTo } from './descriptor-drain.ts';
import { fillFrom } from './descriptor-fill.ts';
import { OpenedOnce } from './opened-once.ts';
import { type Hashed, hashingDrain, hashingFill } from './piece-hasher.ts';
import type { RunnerCommand, RunnerReport } from './piece-runner.ts';
import type { LocalConnections, Runners } from './runners.ts';
import { TaskProgress } from './task-progress.ts';
import { TaskSlices } from './task-slices.ts';

type Command<K extends RunnerCommand['kind']> = Extract<RunnerCommand, { kind: K }>;

interface OpenConnection {
  readonly remote: RemoteConnection;
  /** Staged files that were joined on this connection, by `StageToken.stage`. */
  readonly staged: OpenedOnce<Staged>;
  /** Files that tasks receive from, by path. */
  readonly files: OpenedOnce<RemoteFile>;
  /** Tasks in progress: their last reports come before the loss of the connection is reported. */
  readonly tasks: Set<Promise<void>>;
}

export class LocalRunner implements Runners, LocalConnections {
  readonly #remote: Remote;
  readonly #counters: Counters;
  readonly #dialling: Map<number, AbortController> = new Map();
  readonly #connections: Map<number, OpenConnection> = new Map();
  readonly #slices: Map<number, TaskSlices> = new Map();
  readonly #inProgress: Set<Promise<void>> = new Set();
  #listener: (report: RunnerReport) => void = () => {};

  constructor(remote: Remote, counters: Counters) {
    this.#remote = remote;
    this.#counters = counters;
  }

  get local(): LocalConnections {
    return this;
  }

  onReport(listener: (report: RunnerReport) => void): void {
    this.#listener = listener;
  }

  post(command: RunnerCommand): void {
    switch (command.kind) {
      case 'open':
        return this.#track(this.#open(command));
      case 'close':
        this.#dialling.get(command.connection)?.abort(new CopyError('cancelled', 'The connection is not needed.'));
        void this.#connections.get(command.connection)?.remote.close();
        return;
      case 'send':
        return this.#runTask(command.connection, this.#send(command));
      case 'receive':
        return this.#runTask(command.connection, this.#receive(command));
      case 'shorten':
        return this.#shorten(command);
      case 'probe-writers':
        return this.#runTask(command.connection, this.#probe(command));
      case 'leave':
        return this.#runTask(command.connection, this.#leave(command));
      case 'close-file':
        return this.#runTask(command.connection, this.#closeFile(command));
      case 'ask':
        return this.#track(this.#ask(command));
    }
  }

  async end(): Promise<void> {
    for (const dial of this.#dialling.values()) dial.abort(new CopyError('cancelled', 'The run ended.'));
    await Promise.all([...this.#connections.values()].map(({ remote }) => remote.close()));
    await Promise.all(this.#inProgress);
  }

  connection(id: number): RemoteConnection | undefined {
    return this.#connections.get(id)?.remote;
  }

  adopt(connection: number, staged: Staged): void {
    this.#connections.get(connection)?.staged.set(staged.token.stage, staged);
  }

  async joined(connection: number, of: StageToken): Promise<Staged> {
    const { remote, staged } = this.#opened(connection);
    return staged.get(of.stage, () => remote.join(of));
  }

  holds(connection: number, of: StageToken): boolean {
    return this.#connections.get(connection)?.staged.has(of.stage) ?? false;
  }

  async openedFile(connection: number, path: Uint8Array): Promise<RemoteFile> {
    const { remote, files } = this.#opened(connection);
    return files.get(nameOf(path), () => remote.open(path));
  }

  forget(connection: number, of: StageToken): void {
    void this.#connections.get(connection)?.staged.take(of.stage);
  }

  /** @throws {CopyError} `connection-lost`: the connection is not open */
  #opened(connection: number): OpenConnection {
    const open = this.#connections.get(connection);
    if (open === undefined) throw new CopyError('connection-lost', `Connection ${connection} is gone.`);
    return open;
  }

  /** Reports later, as another thread does, so that the listener is never called inside a command. */
  #report(report: RunnerReport): void {
    queueMicrotask(() => this.#listener(report));
  }

  async #open({ connection }: Command<'open'>): Promise<void> {
    const dial = new AbortController();
    this.#dialling.set(connection, dial);
    try {
      const onAdmitted = (): void => this.#report({ kind: 'admitted', connection });
      const remote = await this.#remote.connect(connection, dial.signal, onAdmitted);
      if (dial.signal.aborted) {
        // The command to close it came after it was opened and before this continued.
        await remote.close();
        throw CopyError.from(dial.signal.reason, 'cancelled');
      }
      const open: OpenConnection = {
        remote,
        staged: new OpenedOnce(),
        files: new OpenedOnce(),
        tasks: new Set(),
      };
      this.#connections.set(connection, open);
      this.#track(this.#watch(connection, open));
      this.#report({ kind: 'opened', connection, abilities: remote.abilities, description: remote.description });
    } catch (error) {
      this.#report({ kind: 'open-failed', connection, error: CopyError.from(error).toData() });
    } finally {
      this.#dialling.delete(connection);
    }
  }

  async #watch(connection: number, open: OpenConnection): Promise<void> {
    const error = await open.remote.closed;
    this.#connections.delete(connection);
    const gone = error ?? new CopyError('connection-lost', `Connection ${connection} was closed.`);
    // A task that waits for the rate limit would notice the loss only when it may continue.
    for (const slices of this.#slices.values()) if (slices.connection === connection) slices.fail(gone);
    await Promise.all(open.tasks);
    this.#counters.clearInFlight(connection);
    this.#report({ kind: 'lost', connection, ...(error && { error: error.toData() }) });
  }

  #send(command: Command<'send'>): Promise<void> {
    const { task, connection, of, fd, hashing: what } = command;
    return this.#carry(command, async (slices, onCarried) => {
      const staged = await this.joined(connection, of);
      const fill = fillFrom(fd);
      await staged.write(slices, what ? hashingFill(fill, what, this.#onHashed(task)) : fill, onCarried);
    });
  }

  #receive(command: Command<'receive'>): Promise<void> {
    const { task, connection, from, fd, hashing: what } = command;
    return this.#carry(command, async (slices, onCarried) => {
      const file = await this.openedFile(connection, from);
      const drain = drainTo(fd);
      await file.read(slices, reporting(what ? hashingDrain(drain, what, this.#onHashed(task)) : drain, onCarried));
    });
  }

  #onHashed(task: number): (hashed: Hashed) => void {
    return (hashed) => this.#report({ kind: 'hashed', task, ...hashed });
  }

  /**
   * What sending and receiving have in common. `carry` moves the bytes, and calls `onCarried` with those that have
   * arrived.
   */
  async #carry(
    { task, connection, range }: Command<'send' | 'receive'>,
    carry: (slices: Slices, onCarried: (part: Range) => void) => Promise<void>,
  ): Promise<void> {
    const progress = new TaskProgress((acknowledged) => this.#report({ kind: 'progress', task, acknowledged }));
    const slices = new TaskSlices(range, connection, this.#counters, () => this.#report({ kind: 'taken', task }));
    this.#slices.set(task, slices);
    let error: CopyError | undefined;
    try {
      await carry(slices, (part) => {
        this.#counters.addAcknowledged(connection, part.length);
        progress.add(part);
      });
    } catch (failure) {
      error = CopyError.from(failure);
    }
    this.#slices.delete(task);
    this.#counters.dropInFlight(connection, slices.taken - progress.total);
    progress.flush();
    this.#report({ kind: 'ended', task, ...(error && { error: error.toData() }) });
  }

  #shorten({ task, length }: Command<'shorten'>): void {
    // A task that has ended needs no answer: the engine knows from its last report what it kept.
    this.#slices.get(task)?.shorten(length, (kept) => this.#report({ kind: 'shortened', task, length: kept }));
  }

  async #probe(command: Command<'probe-writers'>): Promise<void> {
    const { job, task, connection, second, fd, of, firstOffset, secondOffset, size } = command;
    try {
      const staged = await this.joined(connection, of);
      const { remote: peer } = this.#opened(second);
      const result = await staged.probeWriters(peer, firstOffset, secondOffset, size, fillFrom(fd));
      for (const { length } of result.written ?? []) {
        this.#counters.addInFlight(connection, length);
        this.#counters.addAcknowledged(connection, length);
      }
      this.#report({ kind: 'probed', job, task, result });
    } catch (error) {
      this.#report({ kind: 'probed', job, task, error: CopyError.from(error).toData() });
    }
  }

  async #leave({ job, connection, of }: Command<'leave'>): Promise<void> {
    const error = await failureOf(this.#connections.get(connection)?.staged.take(of.stage));
    this.#report({ kind: 'left', job, connection, of, ...(error && { error: error.toData() }) });
  }

  async #closeFile({ job, connection, from }: Command<'close-file'>): Promise<void> {
    const error = await failureOf(this.#connections.get(connection)?.files.take(nameOf(from)));
    this.#report({ kind: 'file-closed', job, connection, from, ...(error && { error: error.toData() }) });
  }

  async #ask({ connection }: Command<'ask'>): Promise<void> {
    let error: CopyError | undefined;
    try {
      await this.#opened(connection).remote.ping();
    } catch (failure) {
      error = CopyError.from(failure);
    }
    this.#report({ kind: 'answered', connection, ...(error && { error: error.toData() }) });
  }

  #runTask(connection: number, work: Promise<void>): void {
    const tasks = this.#connections.get(connection)?.tasks;
    tasks?.add(work);
    this.#track(work.finally(() => tasks?.delete(work)));
  }

  /** `work` never rejects; {@link end} waits for it. */
  #track(work: Promise<void>): void {
    this.#inProgress.add(work);
    void work.finally(() => this.#inProgress.delete(work));
  }
}

/** Calls `onDrained` with each part after it was drained. */
function reporting(drain: Drain, onDrained: (part: Range) => void): Drain {
  return async (views, offset) => {
    await drain(views, offset);
    onDrained({ offset, length: views.reduce((sum, view) => sum + view.length, 0) });
  };
}

/** Why something could not be closed, or could not be opened before. Undefined: it is closed, or was never opened. */
async function failureOf(opened: Promise<Staged | RemoteFile> | undefined): Promise<CopyError | undefined> {
  try {
    await (await opened)?.close();
    return undefined;
  } catch (error) {
    return CopyError.from(error);
  }
}

function nameOf(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}
