/** The questions of a login that only a person can answer. The command line provides it; library calls have none. */
export interface Interaction {
  /**
   * Asks for a password or passphrase. Resolves with undefined if nobody answers. The answer is kept in memory only and
   * never logged. `problem` is a sentence to show first, such as that the last answer was wrong.
   */
  secret(prompt: string, problem?: string): Promise<string | undefined>;
  /** Asks whether to accept an unknown host key. */
  trustHostKey(question: HostKeyQuestion): Promise<boolean>;
  /** Gives way while another program asks on the terminal, until `work` has settled as the result does. */
  during?<T>(work: Promise<T>): Promise<T>;
}

export interface HostKeyQuestion {
  /** The host as the user typed it, with the port where that is not 22. */
  readonly host: string;
  /** Such as `ssh-ed25519`. */
  readonly keyType: string;
  /** `SHA256:` followed by base64 without padding. */
  readonly fingerprint: string;
}
