/** The questions of a login that only a person can answer; given by the command line, absent in a library call. */
export interface Interaction {
  /**
   * Asks for a password or passphrase. Resolves with undefined if nobody answers. The answer is never logged and is kept
   * in memory only. `problem` is a sentence to say first, such as that the last answer was wrong.
   */
  secret(prompt: string, problem?: string): Promise<string | undefined>;
  /** Asks whether the unknown host key described is the right one. */
  trustHostKey(question: HostKeyQuestion): Promise<boolean>;
}

export interface HostKeyQuestion {
  /** As typed, with the port where it is not 22. */
  readonly host: string;
  /** Such as `ssh-ed25519`. */
  readonly keyType: string;
  /** `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
}
