/** Decides which of the ssh programs may ask the user. */
import { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';

/** The methods by which a connection is let in without a question. */
const WITHOUT_QUESTION: ReadonlySet<string> = new Set(['publickey', 'hostbased', 'gssapi-with-mic', 'none']);
/** What ssh prints where a key has to be touched (sshconnect2.c, `identity_sign`). */
const TOUCH = /^Confirm user presence for key/;

/** The permission for one connection to log in. */
export interface QuestionTurn {
  readonly mayAsk: boolean;
  /** To be called once, when the connection was let in or not. */
  readonly end: (isLetIn: boolean) => void;
}

/**
 * The first connection may ask, unless nobody may be asked at all. If it had to, the others would have to as well: they
 * are not opened while it is open, unless the user wants to be asked for each. Two never ask at the same time.
 */
export class Questions {
  readonly #mayAsk: boolean;
  readonly #asksForEach: boolean;
  /** Whether each connection has to ask. */
  #asksAgain = false;
  /** Whether each connection makes the user touch a key. */
  #isTouched = false;
  /** Whether a question of a further connection was not answered as it should be. */
  #isDeclined = false;
  #open = 0;
  /** Settles when a connection that may ask has logged in or failed. */
  #asking: Deferred<void> | undefined;

  /**
   * @param mayAsk whether anybody may be asked
   * @param asksForEach whether the user wants to be asked for each connection
   */
  constructor(mayAsk: boolean, asksForEach: boolean) {
    this.#mayAsk = mayAsk;
    this.#asksForEach = mayAsk && asksForEach;
  }

  /** Whether each connection has to ask. */
  get asksAgain(): boolean {
    return this.#asksAgain;
  }

  /** @throws {CopyError} `credential-not-reusable`: a further connection would have to ask the user, and may not */
  expectRepeatable(): void {
    if (this.#open === 0) return;
    const isTouchedAgain = this.#isTouched && !this.#asksForEach;
    if (isTouchedAgain || (this.#asksAgain && (!this.#asksForEach || this.#isDeclined))) throw asksAgain();
  }

  /**
   * Resolves when a connection may log in. The wait ends with the connections before it, each of which has a deadline or
   * asks the user.
   * @throws {CopyError} as {@link expectRepeatable}
   */
  async turn(isFirst: boolean): Promise<QuestionTurn> {
    while (this.#asksAgain && this.#asking !== undefined) await this.#asking.promise;
    this.expectRepeatable();
    const mayAsk = this.#mayAsk && (isFirst || this.#asksAgain);
    if (!mayAsk) return { mayAsk, end: () => {} };
    const asking = deferred<void>();
    this.#asking = asking;
    return {
      mayAsk,
      end: (isLetIn) => {
        if (this.#asking !== asking) return;
        if (!isLetIn && !isFirst) this.#isDeclined = true;
        this.#asking = undefined;
        asking.resolve();
      },
    };
  }

  /** To be called with each message of ssh. Returns whether the user has to do something. */
  onMessage(line: string): boolean {
    const isTouch = TOUCH.test(line);
    this.#isTouched ||= isTouch;
    return isTouch;
  }

  /** The first connection was let in by `method`. */
  settle(method: string): void {
    this.#asksAgain = !WITHOUT_QUESTION.has(method);
  }

  /** A connection is open until `closed` resolves. */
  onOpen(closed: Promise<unknown>): void {
    this.#open++;
    void closed.then(() => {
      this.#open--;
    });
  }

  /** What the failure of a connection means: one that may not ask is refused where the first one has asked. */
  explain(error: CopyError, isSettled: boolean): CopyError {
    if (error.code !== 'authentication-failed' || !isSettled) return error;
    this.#asksAgain = true;
    return asksAgain();
  }
}

function asksAgain(): CopyError {
  return new CopyError('credential-not-reusable', 'ssh would ask again for each further connection.', {
    advice:
      'Put the key into an agent (ssh-add); or leave --ssh out, and you are asked once; or use -n, and be asked for each.',
  });
}
