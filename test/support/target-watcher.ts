/** Looks at a path again and again, as somebody who waits for a file does, and keeps what it saw there. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { byTier } from './tier.ts';

/** The programs that are watched need a processor too, and in the quick tier other tests do. */
const PAUSE_MS = byTier(12, 4);

export interface TargetWatcher {
  /**
   * SHA-256 of each content in the order they were seen, `missing` where nothing was there; no two in a row are the
   * same.
   */
  readonly seen: readonly string[];
  /** How often it looked. */
  readonly looks: number;
  /** Resolves after a look that began when this was called. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export function watchTarget(path: string): TargetWatcher {
  const seen: string[] = [];
  let looks = 0;
  let stopped = false;

  async function lookOnce(): Promise<void> {
    const now = await contentOf(path);
    looks++;
    if (seen.at(-1) !== now) seen.push(now);
  }

  /** One after another: of two at once the one that began first may end last, and would tell of the past. */
  let last: Promise<void> = Promise.resolve();
  function look(): Promise<void> {
    last = last.then(lookOnce);
    return last;
  }

  async function watch(): Promise<void> {
    while (!stopped) {
      await look();
      await sleep(PAUSE_MS);
    }
  }

  const watching = watch();
  // A failure is told by stop, to whom it is of interest.
  watching.catch(() => {});
  return {
    seen,
    get looks() {
      return looks;
    },
    look,
    stop: () => {
      stopped = true;
      return watching;
    },
  };
}

/** One file is read from its beginning to its end, whatever takes its name meanwhile. */
async function contentOf(path: string): Promise<string> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
    throw error;
  }
}
