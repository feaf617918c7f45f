/** What copying small files as a whole has in common in both directions. */
import type { RemoteConnection } from '../../remotes/remote.ts';
import { LIMIT_POLL_MS } from '../runner/counters.ts';
import type { JobServices, Report } from './direction.ts';

/**
 * Calls `work`, which transfers `bytes` in one operation, over `connection` if that is possible, as soon as the rate
 * limit allows it. What it transfers counts as that of any other task.
 */
export async function transferWhole<T>(
  { access, counters, signal }: Pick<JobServices, 'access' | 'counters' | 'signal'>,
  bytes: number,
  connection: number | undefined,
  work: (remote: RemoteConnection) => Promise<T>,
): Promise<T> {
  while (!counters.tryTake(bytes)) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LIMIT_POLL_MS));
  }
  const result = await access.withConnection(
    async (id, remote) => {
      counters.addInFlight(id, bytes);
      try {
        const done = await work(remote);
        counters.addAcknowledged(id, bytes);
        return done;
      } catch (error) {
        counters.dropInFlight(id, bytes);
        throw error;
      }
    },
    connection === undefined ? {} : { prefer: connection },
  );
  access.onProgress();
  return result;
}

/** Kinds of warnings: a server may put whatever it likes into its texts. */
const MAX_WARNINGS = 20;

/** Tells of each kind of warning once: what holds for one small file mostly holds for thousands. */
export class WarningsOnce {
  readonly #report: Pick<Report, 'notice'>;
  readonly #told: Set<string> = new Set();

  constructor(report: Pick<Report, 'notice'>) {
    this.#report = report;
  }

  /** `message`: a name, a colon and a warning. */
  notice(code: string, message: string, level?: 'info' | 'warning'): void {
    const warning = message.slice(message.lastIndexOf(': '));
    if (this.#told.has(warning) || this.#told.size >= MAX_WARNINGS) return;
    this.#told.add(warning);
    this.#report.notice(code, `${message} The same may hold for other small files.`, level);
  }
}
