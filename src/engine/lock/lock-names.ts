/** What a lock is made of. */

/**
 * Names that have at most one holder on this machine, and that the system takes from a process that ends, by whatever
 * way. Both calls reject with the system's error where such names are not to be had.
 */
export interface LockNames {
  /** undefined: somebody holds it, in this process or another. */
  take(name: string): Promise<HeldName | undefined>;
  /** Who does not answer, or is somebody else than one of us, holds it all the same. */
  isHeld(name: string): Promise<boolean>;
}

export interface HeldName {
  /** When it settles the name is to be had again; never rejects. */
  free(): Promise<void>;
}
