/** Asks for the names in an open directory with several READDIRs in flight. */
import type { NameEntry } from './codec/replies.ts';
import type { SftpSession } from './session.ts';

const FIRST_IN_FLIGHT = 2;
const MAX_IN_FLIGHT = 16;
/** With at least so many names, the first answer is taken to be full. OpenSSH sends 100. */
const FIRST_FULL = 50;

type Answer = readonly NameEntry[] | 'eof';

/**
 * The answers to the READDIRs of one open directory, in the order of the requests.
 *
 * While answers are full, that is, about as long as those before, the number in flight is doubled. A large directory
 * takes few round trips, and a small one few requests. A refusal rejects {@link next}.
 */
export class ListingAnswers {
  readonly #session: Pick<SftpSession, 'readDirectory' | 'closeHandle'>;
  readonly #handle: Uint8Array;
  /** Oldest first. */
  readonly #requests: Promise<Answer>[] = [];
  #wanted = FIRST_IN_FLIGHT;
  /** How many names the longest answer has had. */
  #longest: number | undefined;
  #hasEnded = false;

  constructor(session: Pick<SftpSession, 'readDirectory' | 'closeHandle'>, handle: Uint8Array) {
    this.#session = session;
    this.#handle = handle;
    this.#request();
  }

  /** How many answers are left to be taken by {@link next}. */
  get inFlight(): number {
    return this.#requests.length;
  }

  /** The next answer. After `eof`, nothing more is requested; the answers to what was requested before follow. */
  async next(): Promise<Answer> {
    // There always is one, unless the end was reached and all answers were taken.
    const answer = (await this.#requests.shift()) ?? 'eof';
    if (answer === 'eof') {
      this.#hasEnded = true;
      return answer;
    }
    // Servers that fill packets send more short names than long ones.
    const isFull = answer.length >= (this.#longest === undefined ? FIRST_FULL : this.#longest / 2);
    this.#longest = Math.max(answer.length, this.#longest ?? 0);
    if (isFull) this.#wanted = Math.min(MAX_IN_FLIGHT, 2 * this.#wanted);
    if (isFull || this.#requests.length === 0) this.#request();
    return answer;
  }

  /** Closes the directory as soon as nothing is in flight, because the server may reuse the handle. */
  close(): void {
    this.#hasEnded = true;
    // A failure to close does not matter, because the directory was only read.
    void Promise.allSettled(this.#requests).then(() => this.#session.closeHandle(this.#handle).catch(() => {}));
  }

  #request(): void {
    if (this.#hasEnded) return;
    while (this.#requests.length < this.#wanted) {
      const request = this.#session.readDirectory(this.#handle);
      // Its failure is seen when its turn comes, if it comes.
      request.catch(() => {});
      this.#requests.push(request);
    }
  }
}
