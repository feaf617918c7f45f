/** Finds the first line of a script among what a shell prints before it. */
import type { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';

/** How many bytes rc files may print before the marker. */
const MAX_NOISE = 1 << 20;
/** How many of these bytes are kept, to quote them where the server has no shell. */
const KEPT_NOISE = 1000;

/**
 * The search for the line that begins with the marker of a script. Until then, a server may print anything: what rc
 * files print, an echo of the script, or the complaint of another program than a shell. Such lines are ignored, however
 * long they are, but not without end.
 *
 * States: searching, found (the greeting resolves), given up (the greeting rejects).
 */
export class MarkerSearch {
  readonly #marker: string;
  readonly #greeting: Deferred<string> = deferred();
  #isFound = false;
  #noise = 0;
  #said = '';

  constructor(marker: string) {
    this.#marker = marker;
  }

  /** What follows the marker on its line, as Latin-1 and not cleaned. */
  get greeting(): Promise<string> {
    return this.#greeting.promise;
  }

  get isFound(): boolean {
    return this.#isFound;
  }

  /** The beginning of what was printed without a marker, as Latin-1. */
  get said(): string {
    return this.#said;
  }

  /** Whether more was printed without a marker than rc files print. */
  get isTooNoisy(): boolean {
    return this.#noise > MAX_NOISE;
  }

  /** @param line undefined: one that is too long */
  onLine(line: Buffer | undefined): void {
    const text = line?.toString('latin1');
    if (!text?.startsWith(this.#marker)) return;
    this.#isFound = true;
    this.#greeting.resolve(text.slice(this.#marker.length));
  }

  /** To be called with each chunk that was received, if its lines have no marker. */
  onNoise(chunk: Buffer): void {
    this.#said = (this.#said + chunk.toString('latin1', 0, KEPT_NOISE)).slice(0, KEPT_NOISE);
    this.#noise += chunk.length;
  }

  /** Rejects the greeting, unless the marker was found. */
  giveUp(error: CopyError): void {
    this.#greeting.reject(error);
  }
}
