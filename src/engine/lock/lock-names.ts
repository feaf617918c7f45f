/** The primitive that locks are built from: names of which each has at most one holder. */

/**
 * Names that have at most one holder on this machine. The operating system releases them when the process ends, however
 * it ends. Both methods reject with the system's error where the system does not support such names.
 */
export interface LockNames {
  /** Undefined: this process or another one holds the name. */
  take(name: string): Promise<HeldName | undefined>;
  /** A holder that does not answer, or is another program, counts as well. */
  isHeld(name: string): Promise<boolean>;
}

export interface HeldName {
  /** Resolves when the name can be taken again. Never rejects. */
  free(): Promise<void>;
}
