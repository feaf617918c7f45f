/**
 * The contract every protocol implements. Plain data and interfaces: no packet, no handle and no SSH word in it, so
 * that the engine works with any protocol that can stage bytes at offsets and commit them.
 *
 * Paths are bytes, as servers keep them. Times are in milliseconds since 1970, sizes and offsets in bytes
 * (safe integers). Every method rejects with a `CopyError`.
 */
import type { CopyError } from '../errors.ts';
import type { Attributes, DirectoryEntry, NewAttributes } from './attributes.ts';
import type { Situation } from './situation.ts';

export type { Attributes, DirectoryEntry, NewAttributes } from './attributes.ts';
export type { DirectoryTrial, FreeSpace, Situation } from './situation.ts';

/** A run of bytes of a file. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** What planner, grid and scheduler must respect. */
export interface Abilities {
  /** Bounds of a piece; a protocol with numbered parts has a largest number of them. */
  readonly pieceSize: { readonly min: number; readonly max: number; readonly maxPieces: number };
  /**
   * How many connections may write one staged file: `many` is known to work, `one` is known to be the limit,
   * `unknown` has to be found out with {@link Staged.probeWriters}.
   */
  readonly writers: 'many' | 'one' | 'unknown';
  /**
   * When acknowledged bytes survive a crash of the server: `acknowledged`: at once, {@link Staged.sync} has nothing to do;
   * `synced`: after a sync; `unknown`: the server cannot promise it, and a sync would be in vain.
   */
  readonly durable: 'acknowledged' | 'synced' | 'unknown';
}

/** Where and how to connect, as plain data: another thread can dial again from it. */
export type RemoteSpec = { readonly protocol: string } & Readonly<Record<string, unknown>>;

/**
 * Which account of which server a path belongs to: locks and journals are found again by it. Host and user are as
 * resolved, not as typed.
 */
export interface RemoteIdentity {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface Remote {
  readonly spec: RemoteSpec;
  readonly identity: RemoteIdentity;
  /** The ways to have the far side hash that the protocol knows, best first. A server may have none of them. */
  readonly digestMethods: readonly DigestMethod[];
  /**
   * Opens connection `id` (1 is the first). Calls may overlap. The first connection settles how to log in and may ask
   * the user; the others follow it. An aborted signal leaves nothing open. `onAdmitted` is called when the server has
   * logged the connection in: from then on, it does not count among the handshakes of which a server allows only some at
   * a time.
   * @throws {CopyError} scope `connection`: when another attempt can help; scope `run`: when none can; `cancelled`: when
   *   the signal is aborted
   */
  connect(id: number, signal: AbortSignal, onAdmitted: () => void): Promise<RemoteConnection>;
}

/**
 * Puts the bytes of the source at `offset` into `views`, one after another, whole. The views belong to the caller
 * and are valid until the promise settles.
 */
export type Fill = (views: readonly Uint8Array[], offset: number) => Promise<void>;

/**
 * Takes the bytes that were read at `offset` out of `views`, one after another, whole. The views belong to the remote and
 * are valid until the promise settles.
 */
export type Drain = (views: readonly Uint8Array[], offset: number) => Promise<void>;

/**
 * What one call of write has to carry. The remote takes slices as it has room for them; what is not taken yet may be
 * given to another connection meanwhile, so a taker must ask every time and never assume.
 */
export interface Slices {
  /**
   * The next bytes to carry, at most `maxLength` and at ascending offsets, or undefined when nothing is left. A
   * promise means "wait" (the rate limit), and settles early when the call is aborted.
   */
  take(maxLength: number): Range | undefined | Promise<Range | undefined>;
}

/** Calls may overlap. */
export interface RemoteConnection {
  readonly abilities: Abilities;
  /** Words for people: the software at the other end, as it names itself. Hostile until cleaned. */
  readonly description: string;
  /** Resolves once, when the connection is gone: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  /**
   * Resolves when the server has answered a question that changes nothing, whatever the answer was.
   * @throws {CopyError} scope `connection`: when no answer came
   */
  ping(): Promise<void>;
  /**
   * Follows symbolic links. Undefined where nothing stands. Rejects with scope `file` where the server lets nobody look,
   * whichever way it is asked, which hinders no writing.
   */
  stat(path: Uint8Array): Promise<Attributes | undefined>;
  /** Does not follow a symbolic link at the end of the path. */
  lstat(path: Uint8Array): Promise<Attributes | undefined>;
  /** The absolute path without links, of a path that exists; relative paths begin at the home directory. */
  realPath(path: Uint8Array): Promise<Uint8Array>;
  makeDirectory(path: Uint8Array): Promise<void>;
  /**
   * The entries of a directory, in any order, without those for itself and its parent. An empty path is where relative
   * paths begin.
   * @throws {CopyError} of the destination: when the directory may not be listed; `protocol`: when a name could lead out
   *   of the directory
   */
  list(path: Uint8Array): AsyncIterable<DirectoryEntry>;
  /**
   * Removes a file or a symbolic link; one that is gone already counts as removed.
   * @throws {CopyError} of the destination: when the server refuses
   */
  remove(path: Uint8Array): Promise<void>;
  /**
   * Sets what is given, of a file or a directory; follows symbolic links. Setuid, setgid and sticky bits are never set.
   * @throws {CopyError} of the destination: when the server refuses; what came before is set then. `unsupported`: when the
   *   protocol cannot express the time
   */
  setAttributes(path: Uint8Array, attributes: NewAttributes): Promise<void>;
  /**
   * Opens a file for reading; follows symbolic links. Rejects with `source-missing`, `source-unreadable`, or
   * `source-unsupported` for what is no file; best looked at before, as the opening of a pipe may take for ever.
   */
  open(path: Uint8Array): Promise<RemoteFile>;
  /**
   * Opens a staged file for `target` (not a link: resolve it first). `new`: an empty one whose name was never used before.
   * `in-place`: the target itself, created if missing, its bytes kept until written over. `size`: of the file, bytes. Where
   * it takes long to send, it is found out before whether the commit would be refused.
   * @throws {CopyError} `rename-refused`
   */
  stage(target: Uint8Array, how: 'new' | 'in-place', size?: number): Promise<Staged>;
  /**
   * What has been staged for `target`, by anybody, as far as a bounded look tells. Only what may be
   * considered: plain files into which nobody else may write.
   * @throws {CopyError} of the destination where the server does not let us look
   */
  findStaged(target: Uint8Array): Promise<readonly FoundStage[]>;
  /** What a staged file looks like now; undefined where it is gone, or may not be considered. */
  lookAt(token: StageToken): Promise<Attributes | undefined>;
  /**
   * Opens what an earlier run staged, with all it has. Undefined where that is gone, or may not be relied on: it is no
   * plain file, or others may write it.
   */
  reopen(token: StageToken): Promise<Staged | undefined>;
  /** A name for a new staged file of `target`, for {@link copyStaged}: never used before, and nothing is there. */
  drawStage(target: Uint8Array): DrawnStage;
  /**
   * Has the far side copy what was staged, whole, to a drawn name. Undefined where it cannot, and as soon as `signal` is
   * aborted, whatever the far side is doing by then. The copy is only as good as its origin was while it was read: it is to
   * be hashed before it is relied on. Whatever the outcome, some of it may be there, and where it was not completed the far
   * side may still be copying: it is to be discarded then.
   */
  copyStaged(token: StageToken, copy: StageToken, signal: AbortSignal): Promise<CopiedStage | undefined>;
  /** Bytes that may still be written beside a staged file; undefined where the server does not say. Knows no quota. */
  freeSpace(token: StageToken): Promise<number | undefined>;
  /** Removes what was staged, if it is still there, a plain file, and can be removed. Whether it is gone now. */
  discard(token: StageToken): Promise<boolean>;
  /**
   * The same staged file from another connection or thread. Rejects with `single-writer` when the server does not let a
   * second writer in, and with scope `connection` when trying again can help.
   */
  join(token: StageToken): Promise<Staged>;
  /**
   * The commit: moves a sealed staged file to its target, if it is still as its seal says.
   * @throws {CopyError} `target-busy` where the staged file, or what `replaces` tells of the target, was changed by
   *   somebody else, to be tried again after sealing again where it may have been a late write of our own;
   *   `partial-refused` where the staged file is gone
   */
  publish(token: StageToken, seal: Seal, options?: PublishOptions): Promise<Published>;
  /**
   * Looks at what stands around `target`, to explain a failure and to tell truthfully what is left. `staged`: what was
   * staged for it, if anything. `tries`: also tries on a new file with an ordinary name, which is removed again, what
   * the directory allows, and whether an existing target could be written, as far as trying that changes nothing. What
   * the server refuses to tell is undefined in the answer; rejects with scope `connection` alone.
   */
  examine(target: Uint8Array, staged: StageToken | undefined, tries: boolean): Promise<Situation>;
  /**
   * A way to have the far side hash, over this connection. Finds out, without harm and within seconds, whether there is
   * one; rejects with `unsupported` where there is none, and with scope `connection` when trying again can help.
   */
  digester(method: DigestMethod): Promise<Digester>;
  /** Ends the connection; what is under way rejects. Resolves when it is gone. */
  close(): Promise<void>;
}

/** A name that the remote gives to a way of hashing: see {@link Remote.digestMethods}. */
export type DigestMethod = string;

export type DigestAlgorithm = 'sha256' | 'sha512' | 'sha1' | 'md5';

/** Has the far side hash ranges of a file. Not to be believed before it was tried on bytes that are known. */
export interface Digester {
  readonly method: DigestMethod;
  /** What it can compute, at least one. */
  readonly algorithms: readonly DigestAlgorithm[];
  /** Bytes of one range, at most; a power of two. */
  readonly maxRangeLength: number;
  /**
   * The digest of each range, in their order; undefined where the far side has not all bytes of the range. Each range is
   * a cell of some grid: its length is a power of two of at least 64 KiB and its offset a multiple of it; only at the end
   * of the file it may be shorter. Ranges ascend and do not overlap. `of`: what is staged, or a path.
   *
   * Rejects with scope `connection` when the connection is gone, otherwise with `unsupported`: the digester is of no use
   * (any more). Calls may overlap; they are answered one after another where the far side can do no more.
   */
  digests(
    of: StageToken | Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Ends what the far side keeps running for it; what is under way rejects. Never rejects. */
  close(): Promise<void>;
}

/** A file that one connection has open for reading; gone with its connection. */
export interface RemoteFile {
  /** As it was when it was opened. */
  readonly attributes: Attributes;
  /**
   * Takes slices until there are none, and has each byte of them drained exactly once: in parts of any length and in any
   * order, several at a time. What is not drained yet counts as in flight, and so bounds what is taken.
   *
   * Rejects with the first failure, whether of the server, of `slices` or of `drain`, after which nothing more is taken;
   * by then every call of `drain` has settled, and what was not drained never will be. An early end of the file is
   * `source-changed`. Several calls may overlap: together they keep the connection's pipeline full.
   */
  read(slices: Slices, drain: Drain): Promise<void>;
  /** Gives the file up; no {@link read} may be under way. Closing twice is closing once. */
  close(): Promise<void>;
}

/**
 * What another connection needs to join: cloneable. SFTP: the path of the partial; S3: the upload id. Its entry `stage` is
 * never the same for two staged files.
 */
export type StageToken = Readonly<Record<string, string | number | boolean>>;

/** A staged file that {@link RemoteConnection.findStaged} found. */
export interface FoundStage {
  readonly token: StageToken;
  /** For people. */
  readonly path: Uint8Array;
  /** As it was when it was found. */
  readonly attributes: Attributes;
  /** False where it may have been staged for another target with a similar name. */
  readonly isCertain: boolean;
}

/** A name for a staged file that does not exist yet. */
export interface DrawnStage {
  readonly token: StageToken;
  /** For people. */
  readonly path: Uint8Array;
}

/** What {@link RemoteConnection.copyStaged} has made. */
export interface CopiedStage {
  /** What could not be done, such as to hide it from others. For people. */
  readonly warnings: readonly string[];
}

/** What {@link Staged.probeWriters} found. */
export interface WriterProbe {
  readonly writers: 'many' | 'one';
  /** For people, where the answer is `one`. */
  readonly reason?: string;
  /** What is now written and acknowledged; without it, nothing written so far can be relied on: start over. */
  readonly written?: readonly Range[];
}

/** "Partial file and rename", "multipart and complete", "REST and RNTO" behind one door. */
export interface Staged {
  readonly token: StageToken;
  /** What stood there when it was opened. */
  readonly found: Attributes | undefined;
  /** What the server did not let be done when it was staged, such as to hide it from others. For people. */
  readonly warnings?: readonly string[];
  /**
   * Carries slices until there are none. `acknowledged` is called for what the server said OK to; by then it may not
   * be durable. Rejects with the first failure, after which nothing more is taken and every slice that was taken is
   * either acknowledged or will never be. Several calls may overlap: together they keep the connection's pipeline full.
   * Within one call, `fill` is called in the order in which slices are taken, and never before the previous call has
   * settled: digests are computed from what it reads.
   */
  write(slices: Slices, fill: Fill, acknowledged: (part: Range) => void): Promise<void>;
  /**
   * Finds out whether `second` may write too, by writing one slice of real data through each (the first begins at
   * `firstOffset`, the other at `secondOffset`, beyond everything that was written). Nothing else may write this staged
   * file meanwhile.
   */
  probeWriters(
    second: RemoteConnection,
    firstOffset: number,
    secondOffset: number,
    size: number,
    fill: Fill,
  ): Promise<WriterProbe>;
  /**
   * What was acknowledged before the call, to whichever connection, as the server gives it back now; taken and drained
   * as {@link RemoteFile.read} does it. An early end is `integrity`: the server does not have what it said OK to.
   * Rejects where the server lets nobody read what is not committed, which hinders no writing. Best not one call a slice:
   * each has to open the file.
   */
  readBack(slices: Slices, drain: Drain): Promise<void>;
  /**
   * Resolves when what was acknowledged before the call, to whichever connection, survives a crash of the server: with
   * false where the server cannot promise that.
   */
  sync(): Promise<boolean>;
  /**
   * Gives the staged file its final size and attributes, makes it durable and closes it; nothing may be written
   * afterwards, and every other holder must have closed before.
   */
  seal(final: FinalAttributes): Promise<Seal>;
  /** What it looks like now; undefined where the server lets nobody look. */
  look(): Promise<Attributes | undefined>;
  /** Rejects with `no-space` where the server may have said OK to bytes of `range` for which its disk has no room. */
  checkRoom(range: Range): Promise<void>;
  /**
   * Has the far side copy a range of the file at `from` to the same place of this one. False where it cannot. What was
   * copied is acknowledged, no more; where `from` ends before the range does, so does the copy. It is to be hashed before it
   * is relied on. Best with long ranges, as each call opens `from`.
   */
  copyRange(from: Uint8Array, range: Range): Promise<boolean>;
  /** Takes away what is beyond `size`, if there is anything. */
  cutOff(size: number): Promise<void>;
  /** Gives the staged file up; rejects if the server reports a failure that would otherwise be lost. */
  close(): Promise<void>;
}

/** A mode that is left out is as the server makes it. */
export interface FinalAttributes extends NewAttributes {
  readonly size: number;
  /** Whether all of it was read by the server since it was written, and is right: then nothing can have been lost unseen. */
  readonly isVerified?: boolean;
}

/** What a staged file looked like after our last change to it. Cloneable. */
export interface Seal {
  readonly size: number;
  /** The server let nobody look: the size is what was acknowledged. */
  readonly isUnseen?: boolean;
  /** As the server tells it. */
  readonly mtimeMs?: number;
  /** What could not be done though the data is right, such as times that were refused. For people. */
  readonly warnings: readonly string[];
}

export interface PublishOptions {
  /**
   * An earlier call may have done it, and its answer was lost with its connection: only then is a target that is as sealed
   * taken for ours. Default: false.
   */
  readonly again?: boolean;
  /** What was at the target when the run began. Left out: nobody knows, and it is not compared. */
  readonly replaces?: Attributes | 'nothing';
}

export interface Published {
  /** False where the old target was removed before the new one took its place. */
  readonly atomic: boolean;
  /** The size of the target, read back from the server; undefined where it cannot be read. */
  readonly size: number | undefined;
  /** What could not be done though the new file is in its place, such as the removal of the old one. For people. */
  readonly warnings?: readonly string[];
}
