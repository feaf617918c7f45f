/**
 * The contract that every protocol implements. It consists of plain data and interfaces and contains no packets,
 * handles or SSH terms, so that the engine works with any protocol that can stage bytes at offsets and commit them.
 *
 * Paths are bytes, as servers keep them. Times are in milliseconds since 1970, sizes and offsets in bytes (safe
 * integers). Methods reject only with a `CopyError`. Every method of a connection may reject with one of scope
 * `connection`, which means that another connection may succeed.
 */
import type { CopyError } from '../errors.ts';
import type { Attributes, DirectoryEntry, NewAttributes, WholeFile } from './attributes.ts';
import type { FinalAttributes, Published, PublishOptions, Seal } from './seal.ts';
import type { Situation } from './situation.ts';
import type { CopiedStage, DrawnStage, FoundStage, StagedWhole, StageToken } from './stage.ts';

export type { Attributes, DirectoryEntry, NewAttributes, WholeFile } from './attributes.ts';
export type { FinalAttributes, Published, PublishOptions, Seal } from './seal.ts';
export type { DirectoryTrial, FreeSpace, Situation } from './situation.ts';
export type { CopiedStage, DrawnStage, FoundStage, StagedWhole, StageToken } from './stage.ts';

/** Consecutive bytes of a file. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** What a server can do, as far as grid, scheduler and verification depend on it. */
export interface Abilities {
  /** Limits of a piece, in bytes, and of their number: a protocol with numbered parts allows only so many of them. */
  readonly pieceSize: { readonly min: number; readonly max: number; readonly maxPieces: number };
  /**
   * The least that is worth being given to another connection, in bytes: a power of two of at least 64 KiB, and at most
   * the size of a piece. Only the last range of a file may be shorter. A protocol with numbered parts, which cannot be
   * split, has the length of a part.
   */
  readonly smallestCut: number;
  /**
   * How many connections may write one staged file. `many`: several are known to work; `one`: more are known to fail;
   * `unknown`: {@link Staged.probeWriters} has to find out.
   */
  readonly writers: 'many' | 'one' | 'unknown';
  /**
   * When acknowledged bytes survive a crash of the server. `acknowledged`: at once, so that {@link Staged.sync} has
   * nothing to do; `synced`: after a sync; `unknown`: the server has no way to promise it, so that a sync has no
   * effect.
   */
  readonly durable: 'acknowledged' | 'synced' | 'unknown';
}

/** Where and how to connect, as plain data, so that another thread can open the same remote. */
export type RemoteSpec = { readonly protocol: string } & Readonly<Record<string, unknown>>;

/**
 * The account and server that a path belongs to. Locks and journals are named after it. Host and user are those in
 * effect after all settings were applied, which need not be those that the user typed.
 */
export interface RemoteIdentity {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** What lies on the way, if that decides which server the host name means. */
  readonly via?: string;
}

export interface Remote {
  readonly spec: RemoteSpec;
  readonly identity: RemoteIdentity;
  /** The protocol's ways to let the server compute digests, best first. A server may support none of them. */
  readonly digestMethods: readonly DigestMethod[];
  /**
   * Opens connection `id` (1 is the first). Calls may overlap. The first connection determines how to log in and may
   * ask the user; the others do the same as it did. When the signal is aborted, nothing is left open. `onAdmitted` is
   * called when the server has logged the connection in: from then on, it does not count towards the number of
   * handshakes that a server allows at the same time.
   * @throws {CopyError} scope `connection`: when another attempt may succeed; scope `run`: when none can; `cancelled`:
   *   when the signal is aborted
   */
  connect(id: number, signal: AbortSignal, onAdmitted: () => void): Promise<RemoteConnection>;
}

/**
 * Fills `views`, one after another, with the bytes of the source from `offset` on. The views belong to the caller and
 * are valid until the promise settles.
 */
export type Fill = (views: readonly Uint8Array[], offset: number) => Promise<void>;

/**
 * Stores the bytes of `views`, one after another, which were read from `offset` on. The views belong to the remote and
 * are valid until the promise settles.
 */
export type Drain = (views: readonly Uint8Array[], offset: number) => Promise<void>;

/**
 * The bytes that one call of `write` or `read` has to transfer. The remote takes slices as it has room for them. The
 * engine may give what was not taken yet to another connection, so that each slice must be taken from here and none
 * computed in advance.
 */
export interface Slices {
  /**
   * The next bytes to transfer, at most `maxLength` of them and at ascending offsets, or undefined when nothing is
   * left. A promise: the bytes are not available yet (rate limit, or a stream that is being read).
   */
  take(maxLength: number): Range | undefined | Promise<Range | undefined>;
}

/** Calls may overlap. */
export interface RemoteConnection {
  readonly abilities: Abilities;
  /** What the server calls its software, for people. It comes from the server: clean it before printing. */
  readonly description: string;
  /** Resolves once, when the connection is gone: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  /**
   * Sends a request that changes nothing, and resolves when the server has answered it, whatever the answer is.
   * @throws {CopyError} scope `connection`: when no answer came
   */
  ping(): Promise<void>;
  /**
   * The attributes of what the path leads to; symbolic links are followed. Undefined where nothing exists.
   * @throws {CopyError} scope `file`: when the server refuses every way to ask, which does not mean that writing fails
   */
  stat(path: Uint8Array): Promise<Attributes | undefined>;
  /** As {@link stat}, but does not follow a symbolic link at the end of the path. */
  lstat(path: Uint8Array): Promise<Attributes | undefined>;
  /** The absolute path without links of a path that exists. Relative paths begin at the home directory. */
  realPath(path: Uint8Array): Promise<Uint8Array>;
  /**
   * `mode`: permission bits of the new directory, from which the server may remove some. Where the server refuses to
   * create a directory with a mode, it has the mode that the server chooses.
   * @throws {CopyError} of the destination: when the server refuses, also because something exists there
   */
  makeDirectory(path: Uint8Array, mode?: number): Promise<void>;
  /**
   * The text of a symbolic link, which need not be a path of anything that exists. It comes from the server.
   * @throws {CopyError} `source-missing`: when nothing exists; `source-unreadable`, `unsupported`: when it is no link,
   *   or the server refuses
   */
  readLink(path: Uint8Array): Promise<Uint8Array>;
  /**
   * Creates a symbolic link at `path` that contains `text`.
   * @throws {CopyError} of the destination: when something exists there, or the server refuses; `unsupported`: when the
   *   server has no links
   */
  makeLink(path: Uint8Array, text: Uint8Array): Promise<void>;
  /**
   * The entries of a directory, in batches and in any order, without those for itself and its parent. An empty path
   * means the directory at which relative paths begin. A name may occur more than once, and an entry whose name could
   * lead out of the directory is marked as `isRefused`.
   * @throws {CopyError} of the destination: when the directory may not be listed; `protocol`: when the listing does not
   *   end
   */
  list(path: Uint8Array): AsyncIterable<readonly DirectoryEntry[]>;
  /**
   * Removes a file or a symbolic link. One that does not exist counts as removed.
   * @throws {CopyError} of the destination: when the server refuses
   */
  remove(path: Uint8Array): Promise<void>;
  /**
   * Sets those attributes of a file or a directory that are given; follows symbolic links. Setuid, setgid and sticky
   * bits are never set.
   * @throws {CopyError} of the destination: when the server refuses one of them, after which the others may have been
   *   set; `unsupported`: when the protocol cannot express the time
   */
  setAttributes(path: Uint8Array, attributes: NewAttributes): Promise<void>;
  /**
   * Opens a file for reading; follows symbolic links. Callers should look at the path first, because opening a pipe may
   * never end.
   * @throws {CopyError} `source-missing`: when nothing exists; `source-unreadable`: when the server refuses
   */
  open(path: Uint8Array): Promise<RemoteFile>;
  /**
   * Reads a small file as a whole, in as few round trips as possible; follows symbolic links. Callers should look at
   * the path first, as for {@link open}. `size`: how many bytes it is expected to have. The bytes belong to the caller.
   * @throws {CopyError} `source-changed`: when it has another size, or was changed while it was read;
   *   `source-unsupported`: when it is not a file; `source-missing`, `source-unreadable`: as {@link open}
   */
  readWhole(path: Uint8Array, size: number): Promise<WholeFile>;
  /**
   * Opens a staged file for `target`, which must not be a link: resolve it first. `new`: an empty file under a name
   * that was never used before. `in-place`: the target itself, created if it is missing; its bytes stay until they are
   * overwritten. `size`: the bytes of the file. For a file that takes long to send, this first finds out whether the
   * server would refuse the commit.
   * @throws {CopyError} `rename-refused`: when it would; others of the destination: when nothing can be staged
   */
  stage(target: Uint8Array, how: 'new' | 'in-place', size?: number): Promise<Staged>;
  /**
   * Stages, writes and seals a small file as a whole, in as few round trips as possible. `target` must not be a link.
   * `syncs`: whether the file is made durable. The bytes must not be changed until the promise settles. Where this
   * fails, the staged file is removed, if the connection still works and the server allows that.
   * @throws {CopyError} as {@link stage}, {@link Staged.write} and {@link Staged.seal}
   */
  stageWhole(
    target: Uint8Array,
    bytes: Uint8Array,
    final: FinalAttributes & { readonly syncs: boolean },
  ): Promise<StagedWhole>;
  /**
   * The staged files of `target`, whoever staged them, as far as a search of bounded length finds them. Only those that
   * may be used: plain files into which nobody else may write.
   * @throws {CopyError} of the destination: when the directory may not be listed
   */
  findStaged(target: Uint8Array): Promise<readonly FoundStage[]>;
  /** The present attributes of a staged file; undefined where it does not exist any more or may not be used. */
  lookAt(token: StageToken): Promise<Attributes | undefined>;
  /**
   * Opens what an earlier run staged; its content stays. Undefined where it does not exist any more or may not be used:
   * it is not a plain file, or others may write it.
   */
  reopen(token: StageToken): Promise<Staged | undefined>;
  /**
   * A name for a new staged file of `target`, for {@link copyStaged}. It was never used before, and no such file
   * exists.
   */
  drawStage(target: Uint8Array): DrawnStage;
  /**
   * Lets the server copy a whole file, a staged one or one at a path, to a name from {@link drawStage}. Resolves with
   * undefined where the server cannot or it is not a plain file, and as soon as `signal` is aborted, even if the server
   * is still copying. The copy may contain whatever its origin contained at any time during the copying: hash it before
   * relying on it. Unless the copy was completed, a part of it may exist, and the server may still be writing to it:
   * discard it.
   */
  copyStaged(from: StageToken | Uint8Array, copy: StageToken, signal: AbortSignal): Promise<CopiedStage | undefined>;
  /** Free bytes in the file system of a staged file, quotas not considered; undefined where the server does not say. */
  freeSpace(token: StageToken): Promise<number | undefined>;
  /** Removes a staged file if it exists, is a plain file and can be removed. Resolves with whether it is gone now. */
  discard(token: StageToken): Promise<boolean>;
  /**
   * Opens the same staged file from another connection or thread.
   * @throws {CopyError} `single-writer`: when the server does not allow a second writer; scope `connection`: when
   *   another attempt may succeed
   */
  join(token: StageToken): Promise<Staged>;
  /**
   * The commit: moves a sealed staged file to its target, if the staged file is still as its seal describes it.
   * @throws {CopyError} `target-busy`: when somebody else changed the staged file, or the target that `replaces`
   *   describes. Where a late write of our own may have changed the staged file, seal it and publish it again.
   *   `partial-refused`: when the staged file does not exist any more
   */
  publish(token: StageToken, seal: Seal, options?: PublishOptions): Promise<Published>;
  /**
   * Looks at `target` and its surroundings, to explain a failure and to say truthfully what is left. `staged`: the
   * staged file of the target, if there is one. `mayTry`: whether to also try out what the directory allows, on a new
   * file with an ordinary name that is removed afterwards, and whether an existing target could be written, where
   * trying that changes nothing. What the server refuses to say is undefined in the result.
   * @throws {CopyError} scope `connection`: when the connection is lost; no others
   */
  examine(target: Uint8Array, staged: StageToken | undefined, mayTry: boolean): Promise<Situation>;
  /**
   * A way to let the server compute digests over this connection. Finds out within seconds, and without changing
   * anything, whether the server supports it.
   * @throws {CopyError} `unsupported`: when it does not; scope `connection`: when another attempt may succeed
   */
  digester(method: DigestMethod): Promise<Digester>;
  /** Ends the connection; calls in progress reject. Resolves when the connection is gone. */
  close(): Promise<void>;
}

/** The name of a way to compute digests on the server: see {@link Remote.digestMethods}. */
export type DigestMethod = string;

export type DigestAlgorithm = 'sha256' | 'sha512' | 'sha1' | 'md5';

/** Lets the server hash ranges of a file. Its digests must not be trusted before it was tried on known bytes. */
export interface Digester {
  readonly method: DigestMethod;
  /** The algorithms it can compute, at least one. */
  readonly algorithms: readonly DigestAlgorithm[];
  /** The largest length of a range, in bytes; a power of two. */
  readonly maxRangeLength: number;
  /**
   * The digest of each range, in their order; undefined where the server does not have all bytes of the range. Each
   * range is a cell of a grid: its length is a power of two of at least 64 KiB and its offset a multiple of that; only
   * the cell at the end of the file may be shorter. Ranges ascend and do not overlap. `of`: a staged file, or a path.
   * Calls may overlap; a server that can do only one thing at a time answers them one after another.
   * @throws {CopyError} scope `connection`: when the connection is gone; otherwise `unsupported`: when the digester is
   *   of no use, or of no further use
   */
  digests(
    of: StageToken | Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Ends what the server runs for it; calls in progress reject. Never rejects itself. */
  close(): Promise<void>;
}

/** A file that one connection has open for reading. It cannot be used after its connection is gone. */
export interface RemoteFile {
  /**
   * The attributes that the file had when it was opened. A {@link read} need not wait for them. A server may refuse to
   * tell them although it lets the file be read.
   * @throws {CopyError} `source-unsupported`: when it is not a file; `source-unreadable`: when the server does not tell
   */
  readonly attributes: Promise<Attributes>;
  /**
   * Takes slices until none is left, and drains each of their bytes exactly once: in parts of any length and in any
   * order, several at a time. Bytes that are not drained yet count as in flight, which limits how much is taken.
   * Several calls may overlap: together they keep the connection's pipeline full.
   *
   * Rejects with the first failure, whether of the server, of `slices` or of `drain`. From then on nothing more is
   * taken, every call of `drain` has settled, and none follows.
   * @throws {CopyError} `source-changed`: when the file ends before a slice does; `source-unsupported`: when it is not a
   *   file
   */
  read(slices: Slices, drain: Drain): Promise<void>;
  /**
   * Whether the file has a byte at `offset`, whatever its attributes say.
   * @throws {CopyError} as {@link read}, but for `source-changed`
   */
  hasByteAt(offset: number): Promise<boolean>;
  /** Closes the file; nothing may be asked of it any more. A second call has no effect. */
  close(): Promise<void>;
}

/** The result of {@link Staged.probeWriters}. */
export interface WriterProbe {
  readonly writers: 'many' | 'one';
  /** Why only one connection may write, for people; set where the answer is `one`. */
  readonly reason?: string;
  /**
   * The ranges that are now written and acknowledged. Left out where nothing written so far can be relied on: start
   * over.
   */
  readonly written?: readonly Range[];
}

/**
 * A file that is being written and becomes the target only when it is committed: a partial file that is renamed, a
 * multipart upload that is completed, or whatever else a protocol has for that.
 *
 * It is open until {@link seal} or {@link close}; nothing may be written after either.
 */
export interface Staged {
  readonly token: StageToken;
  /** The attributes of the file when it was opened; undefined where it did not exist before. */
  readonly found: Attributes | undefined;
  /** What the server refused when the file was staged, such as making it unreadable for others. For people. */
  readonly warnings?: readonly string[];
  /**
   * Takes slices until none is left, and writes them. `onAcknowledged` is called for each part that the server has
   * acknowledged, which does not mean that it is durable. Several calls may overlap: together they keep the
   * connection's pipeline full. Within one call, `fill` is called for the slices in the order in which they were taken,
   * and never before the previous call has settled, because digests are computed from the bytes it reads.
   *
   * Rejects with the first failure. From then on nothing more is taken, and `onAcknowledged` is not called any more.
   */
  write(slices: Slices, fill: Fill, onAcknowledged: (part: Range) => void): Promise<void>;
  /**
   * Finds out whether connection `second` may write the same staged file, by writing one slice of real data through
   * each connection: through this one at `firstOffset`, through the other one at `secondOffset`, which lies beyond
   * everything that was written. `size`: the bytes of the file. Nothing else may write this staged file meanwhile.
   */
  probeWriters(
    second: RemoteConnection,
    firstOffset: number,
    secondOffset: number,
    size: number,
    fill: Fill,
  ): Promise<WriterProbe>;
  /**
   * Reads what was acknowledged before the call, to whichever connection, as the server returns it now. Slices are
   * taken and drained as in {@link RemoteFile.read}. Each call opens the file, so that one call should read many
   * slices.
   * @throws {CopyError} `integrity`: when the file ends before a slice does, that is, the server does not have what it
   *   acknowledged; others: when the server does not allow reading before the commit, which does not mean that writing
   *   fails
   */
  readBack(slices: Slices, drain: Drain): Promise<void>;
  /**
   * Makes durable what was acknowledged before the call, to whichever connection. Resolves with true when it survives a
   * crash of the server, with false where the server cannot promise that.
   */
  sync(): Promise<boolean>;
  /**
   * Gives the staged file its final size and attributes, makes it durable and closes it. Everybody else who had this
   * staged file open must have closed it before, and nothing may be written afterwards.
   */
  seal(final: FinalAttributes): Promise<Seal>;
  /** Its present attributes; undefined where the server refuses to tell. */
  look(): Promise<Attributes | undefined>;
  /**
   * @throws {CopyError} `no-space`: when the server may have acknowledged bytes of `range` that its disk has no room
   * for
   */
  checkRoom(range: Range): Promise<void>;
  /**
   * Lets the server copy a range of the file at `from` to the same offset of this file. Resolves with false where it
   * cannot. The copied bytes count as acknowledged, not as durable or correct: hash them before relying on them. Where
   * `from` ends before the range does, so does the copy. Each call opens `from`, so that ranges should be long.
   */
  copyRange(from: Uint8Array, range: Range): Promise<boolean>;
  /** Removes the bytes beyond `size`, if there are any. */
  cutOff(size: number): Promise<void>;
  /**
   * Closes the staged file without sealing it; the file stays on the server.
   * @throws {CopyError} of the destination: when the server reports a failure of earlier writes only now
   */
  close(): Promise<void>;
}
