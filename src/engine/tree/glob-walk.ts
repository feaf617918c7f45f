import { CopyError } from '../../errors.ts';
import { HOME, isDots, withoutTrailingSlashes } from '../../util/byte-path.ts';
import { bytesFromText, textFromBytes } from '../../util/bytes-text.ts';
import type { GlobComponent } from './glob-pattern.ts';

/** The side whose files a pattern names. */
export interface GlobFiles {
  /** What is at the path, with symbolic links followed; undefined: nothing. */
  lookAt(path: Uint8Array): Promise<'directory' | 'other' | undefined>;
  /** The names in a directory, in any order. `.` and `..` may be among them. */
  names(directory: Uint8Array): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What follows a path in a pattern that has led to it. Empty: the path is a result. */
type Rest = readonly GlobComponent[];

/** A path that patterns have led to. */
interface Step {
  readonly path: Buffer;
  /** Whether its name was listed, so that it exists. */
  isListed: boolean;
  /** Whether a component of the path is there only because a wildcard matches it. */
  readonly isMatched: boolean;
  readonly rests: Set<Rest>;
}

/** Questions to the other side that are in progress at once. */
const AT_ONCE = 32;
/** Names that are compared for one pattern: a server that lists names without end must not keep a run for ever. */
const MAX_NAMES = 10_000_000;
const SLASH = 0x2f;

/**
 * Follows patterns through the directories of a tree, one component at a time and all patterns together, so that no
 * directory is listed twice. Names from the server that would lead out of their directory are ignored.
 */
export class GlobWalk {
  readonly #files: GlobFiles;
  readonly #limit: number;
  readonly #tooMany: () => CopyError;
  readonly #results: Buffer[] = [];
  #steps: Step[] = [];
  #names = 0;

  /** `tooMany` makes the error for more than `limit` paths, which may be results or on the way to them. */
  constructor(files: GlobFiles, limit: number, tooMany: () => CopyError) {
    this.#files = files;
    this.#limit = limit;
    this.#tooMany = tooMany;
  }

  /** To be called once. The paths are in no order, and none is there twice. */
  async expand(patterns: readonly Rest[]): Promise<Buffer[]> {
    await this.#enter(Buffer.alloc(0), false, patterns);
    while (this.#steps.length > 0) {
      const steps = this.#steps;
      this.#steps = [];
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.#followAll(steps)));
    }
    return this.#results;
  }

  /** Several of these empty the same list. */
  async #followAll(steps: Step[]): Promise<void> {
    try {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) await this.#follow(step);
    } catch (error) {
      // The others stop, too.
      steps.length = 0;
      throw error;
    }
  }

  async #follow({ path, isListed, isMatched, rests }: Step): Promise<void> {
    const all = [...rests];
    const isResult = all.some((rest) => rest.length === 0);
    const isDirectoryResult = all.some(isSlash);
    const deeper = all.filter((rest) => rest.length > 0 && !isSlash(rest));
    // A directory that is named, on the way to something else that is, need not be asked for by itself.
    const mustBeDirectory = deeper.length > 0 && (isListed || deeper.some(([first]) => typeof first !== 'string'));
    const asks = (isResult && !isListed) || isDirectoryResult || mustBeDirectory;
    const kind = asks ? await this.#lookAt(path, isMatched) : undefined;
    if (isResult && (isListed || kind !== undefined)) this.#results.push(path);
    if (isDirectoryResult && kind === 'directory') this.#results.push(withSlash(path));
    this.#checkLimit();
    if (deeper.length === 0 || (mustBeDirectory && kind !== 'directory')) return;
    await this.#enter(withSlash(path), isMatched, deeper);
  }

  /** Adds a step for what the patterns match in one directory. `prefix`: its path with a slash; or empty. */
  async #enter(prefix: Buffer, isMatched: boolean, patterns: readonly Rest[]): Promise<void> {
    const steps = new Map<string, Step>();
    const parts = patterns.map(([first, ...rest]) => ({ first, rest }));
    for (const { first, rest } of parts) {
      if (typeof first !== 'string') continue;
      const name = bytesFromText(first);
      const known = steps.get(name.toString('latin1'));
      if (known !== undefined) known.rests.add(rest);
      else steps.set(name.toString('latin1'), stepTo(prefix, name, false, isMatched, rest));
    }
    if (parts.some(({ first }) => typeof first !== 'string')) {
      const directory = prefix.length === 0 ? HOME : withoutTrailingSlashes(prefix);
      for await (const name of this.#namesIn(directory, isMatched)) {
        const text = textFromBytes(name);
        for (const { first, rest } of parts) {
          if (first === undefined || typeof first === 'string' || !first.matches(text)) continue;
          const key = Buffer.from(name).toString('latin1');
          const known = steps.get(key);
          known?.rests.add(rest);
          if (known !== undefined) known.isListed = true;
          else steps.set(key, stepTo(prefix, name, true, true, rest));
        }
        this.#checkLimit(steps.size);
      }
    }
    for (const step of steps.values()) this.#steps.push(step);
    this.#checkLimit();
  }

  #checkLimit(more = 0): void {
    if (this.#results.length + this.#steps.length + more > this.#limit) throw this.#tooMany();
  }

  async *#namesIn(directory: Buffer, isMatched: boolean): AsyncGenerator<Uint8Array> {
    try {
      for await (const name of this.#files.names(directory)) {
        if (++this.#names > MAX_NAMES) throw new CopyError('protocol', 'The server lists too many names.');
        if (isName(name)) yield name;
      }
    } catch (error) {
      throwUnlessRefused(error, isMatched);
    }
  }

  async #lookAt(path: Buffer, isMatched: boolean): Promise<'directory' | 'other' | undefined> {
    try {
      return await this.#files.lookAt(path);
    } catch (error) {
      throwUnlessRefused(error, isMatched);
      return undefined;
    }
  }
}

/**
 * A directory that a wildcard has found, and that may not be read, contains nothing that matches, as in `sh`. A refusal
 * of what the user has named is an error.
 */
function throwUnlessRefused(error: unknown, isMatched: boolean): void {
  if (!isMatched || CopyError.from(error).scope !== 'file') throw error;
}

function stepTo(prefix: Buffer, name: Uint8Array, isListed: boolean, isMatched: boolean, rest: Rest): Step {
  return { path: Buffer.concat([prefix, name]), isListed, isMatched, rests: new Set([rest]) };
}

/** Whether nothing but the slash of directories follows. */
function isSlash(rest: Rest): boolean {
  return rest.length === 1 && rest[0] === '';
}

function withSlash(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.of(SLASH)]);
}

/** Whether it can be the name of a file, and of one in the directory that was listed. */
function isName(name: Uint8Array): boolean {
  return name.length > 0 && !name.includes(0) && !name.includes(SLASH) && !isDots(name);
}
