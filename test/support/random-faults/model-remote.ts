/** The way of one run to the model server. */
import { CopyError } from '../../../src/errors.ts';
import type {
  Attributes,
  DigestMethod,
  Remote,
  RemoteConnection,
  RemoteIdentity,
  RemoteSpec,
} from '../../../src/remotes/remote.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { ModelConnection } from './model-connection.ts';
import type { Inode, RunMark } from './model-inode.ts';
import type { ModelServer } from './model-server.ts';

export class ModelRemote implements Remote {
  readonly spec: RemoteSpec = { protocol: 'model' };
  readonly identity: RemoteIdentity = { host: 'model', port: 22, user: 'u' };
  readonly digestMethods: readonly DigestMethod[] = ['check-file', 'helper', 'shell'];
  readonly server: ModelServer;
  readonly run: RunMark;
  /** Called when bytes or digests came, or bytes were acknowledged. */
  onProgress: () => void = () => {};
  /** Throws where the promises forbid `run` to write to an inode that another one created. */
  mayWrite: (path: string, inode: Inode) => boolean = () => true;
  /** What it saw at the target before it staged anything. */
  seenAtTarget: Attributes | undefined;
  hasStaged = false;
  /** Whether it saw, right before its rename, that another run had changed the target. */
  isOvertaken = false;
  #isKilled = false;

  constructor(server: ModelServer, run: RunMark) {
    this.server = server;
    this.run = run;
  }

  get open(): ModelConnection[] {
    return [...this.server.connections].filter(({ remote }) => remote === this);
  }

  async connect(id: number, signal: AbortSignal, admitted: () => void): Promise<RemoteConnection> {
    const { server } = this;
    const { time, troubles, habits } = server;
    const aborted = deferred<never>();
    const abort = (): void => aborted.reject(CopyError.from(signal.reason, 'cancelled'));
    aborted.promise.catch(() => {});
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) abort();
      await Promise.race([aborted.promise, this.pause(4 * habits.oneWayMs)]);
      if (time.nowMs < troubles.deafUntilMs) {
        await Promise.race([aborted.promise, this.pause(15_000)]);
        throw new CopyError('connection-stalled', 'The server does not answer.');
      }
      if (time.nowMs < troubles.refusedUntilMs) throw new CopyError('connection-refused', 'It is full.');
      admitted();
      return new ModelConnection(this, id);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Never resolves when the process is gone by then. */
  pause(ms: number): Promise<void> {
    const { time } = this.server;
    return new Promise((resolve) => time.at(time.nowMs + ms, () => this.#isKilled || resolve()));
  }

  /** The process is gone: it learns of nothing any more, and its requests may arrive late. */
  kill(): void {
    this.#isKilled = true;
    for (const connection of this.open) connection.kill();
  }
}
