/** A connection to the model server, as the engine sees it. */
import { createHash } from 'node:crypto';
import { CopyError } from '../../../src/errors.ts';
import type {
  Abilities,
  Attributes,
  CopiedStage,
  DigestAlgorithm,
  Digester,
  DigestMethod,
  DirectoryEntry,
  Drain,
  DrawnStage,
  FoundStage,
  Published,
  PublishOptions,
  Range,
  RemoteConnection,
  RemoteFile,
  Seal,
  Situation,
  Slices,
  Staged,
  StagedWhole,
  StageToken,
  WholeFile,
} from '../../../src/remotes/remote.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { carrySlices } from '../memory-slices.ts';
import { Inode } from './model-inode.ts';
import { ModelLine } from './model-line.ts';
import type { ModelRemote } from './model-remote.ts';
import { ModelStaged } from './model-staged.ts';

export class ModelConnection extends ModelLine implements RemoteConnection {
  readonly description = 'model';
  readonly abilities: Abilities;
  readonly held: Set<ModelStaged> = new Set();
  /** Files that are open for reading. */
  readonly reading: Set<string> = new Set();
  constructor(remote: ModelRemote, id: number) {
    super(remote, id);
    const { habits } = this.server;
    this.abilities = {
      pieceSize: { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER },
      smallestCut: 64 * 1024,
      writers: habits.writers === 'many' ? 'many' : 'unknown',
      durable: habits.hasSync ? 'synced' : 'unknown',
    };
    this.server.connections.add(this);
  }

  protected override onEnd(): void {
    this.server.connections.delete(this);
  }

  async ping(): Promise<void> {
    await this.request(() => undefined);
  }

  async stat(path: Uint8Array): Promise<Attributes | undefined> {
    const name = text(path);
    return this.request(() => {
      if (name === '/' || name === '/home') return { kind: 'directory', size: 0, mode: 0o755 };
      const found = this.server.at(name)?.attributes;
      if (name === this.server.target && !this.remote.hasStaged) this.remote.seenAtTarget = found;
      return found;
    });
  }

  lstat(path: Uint8Array): Promise<Attributes | undefined> {
    return this.stat(path);
  }

  async realPath(path: Uint8Array): Promise<Uint8Array> {
    return this.request(() => Buffer.from(text(path), 'latin1'));
  }

  async makeDirectory(): Promise<void> {
    throw new CopyError('destination-in-the-way', 'All directories are there.');
  }

  // biome-ignore lint/correctness/useYield: there is nothing that an upload of a file would list
  async *list(): AsyncIterable<readonly DirectoryEntry[]> {
    throw unused();
  }

  async readLink(): Promise<Uint8Array> {
    throw unused();
  }

  async makeLink(): Promise<void> {
    throw unused();
  }

  async readWhole(): Promise<WholeFile> {
    throw unused();
  }

  async stageWhole(): Promise<StagedWhole> {
    throw unused();
  }

  async remove(): Promise<void> {
    throw unused();
  }

  async setAttributes(): Promise<void> {
    throw unused();
  }

  async open(path: Uint8Array): Promise<RemoteFile> {
    const name = text(path);
    const inode = await this.request(() => {
      const isOpen = [...this.server.connections].some((other) => other !== this && other.reading.has(name));
      if (this.server.habits.letsOneRead && isOpen) {
        throw new CopyError('source-unreadable', 'Somebody else reads it.', {
          refused: { operation: 'open', text: '' },
        });
      }
      this.reading.add(name);
      return this.server.at(name);
    });
    if (inode === undefined) throw new CopyError('source-missing', 'There is nothing.');
    if (!this.server.habits.readsBack) throw new CopyError('source-unreadable', 'Nobody may read.');
    return {
      attributes: Promise.resolve(inode.attributes),
      read: (slices, drain) => this.readInode(inode, slices, drain, 'source-changed'),
      hasByteAt: (offset) => this.request(() => offset < inode.bytes.length),
      close: async () => {
        this.reading.delete(name);
      },
    };
  }

  readInode(inode: Inode, slices: Slices, drain: Drain, endedEarly: 'source-changed' | 'integrity'): Promise<void> {
    return carrySlices(
      { sliceLength: 32 * 1024, depth: 4 },
      slices,
      async () => this.check(),
      async ({ offset, length }) => {
        const cost = { down: length, isProgress: true };
        const bytes = await this.request(() => {
          const read = Buffer.from(inode.bytes.subarray(offset, offset + length));
          if (read.length > 0 && this.server.takeTrouble('spoiltReads')) read[0]! ^= 1;
          return read;
        }, cost);
        if (bytes.length > 0) await drain([bytes], offset);
        if (bytes.length < length) throw new CopyError(endedEarly, 'It ends early.');
      },
    );
  }

  async stage(target: Uint8Array, how: 'new' | 'in-place'): Promise<Staged> {
    if (how === 'in-place') throw new CopyError('bug', 'Nothing is written in place here.');
    const path = this.server.newStagedName();
    this.remote.hasStaged = true;
    const inode = await this.request(() => {
      const created = new Inode(Buffer.alloc(0), this.server.nowMs, this.remote.run);
      if (this.server.habits.writers !== 'private') this.server.link(path, created);
      return created;
    });
    return this.#staged({ target: text(target), path, stage: path }, inode, undefined);
  }

  async findStaged(target: Uint8Array): Promise<readonly FoundStage[]> {
    return this.request(() =>
      this.server.stagedNames().map((path) => ({
        token: { target: text(target), path, stage: path },
        path: Buffer.from(path),
        attributes: this.server.at(path)!.attributes,
        isCertain: true,
      })),
    );
  }

  async lookAt({ path }: StageToken): Promise<Attributes | undefined> {
    return this.request(() => this.server.at(String(path))?.attributes);
  }

  async reopen(token: StageToken): Promise<Staged | undefined> {
    this.remote.hasStaged = true;
    const opened = await this.request((isLate) => this.#openedAgain(String(token['path']), isLate));
    return opened && this.#staged(token, opened.inode, opened.found);
  }

  async join(token: StageToken): Promise<Staged> {
    const { habits, connections } = this.server;
    const path = String(token['path']);
    const opened = await this.request((isLate) => {
      const isOpen = [...connections].some(({ held }) => [...held].some((one) => one.token['path'] === path));
      if (habits.writers === 'refuse' && isOpen) throw new CopyError('single-writer', 'Somebody else writes it.');
      return this.#openedAgain(path, isLate);
    });
    if (habits.writers === 'private') {
      return this.#staged(token, new Inode(Buffer.alloc(0), this.server.nowMs, this.remote.run), opened?.found);
    }
    if (opened === undefined) throw new CopyError('partial-refused', 'It is gone.');
    return this.#staged(token, opened.inode, opened.found);
  }

  drawStage(target: Uint8Array): DrawnStage {
    const path = this.server.newStagedName();
    return { token: { target: text(target), path, stage: path }, path: Buffer.from(path) };
  }

  async copyStaged(
    from: StageToken | Uint8Array,
    copy: StageToken,
    signal: AbortSignal,
  ): Promise<CopiedStage | undefined> {
    const { server } = this;
    const path = from instanceof Uint8Array ? text(from) : String(from['path']);
    if (!server.habits.copiesFiles || signal.aborted) return undefined;
    const aborted = deferred<undefined>();
    const abort = (): void => aborted.resolve(undefined);
    signal.addEventListener('abort', abort, { once: true });
    const workMs = server.habits.slowWorkMs;
    const copying = this.request(
      () => {
        const original = server.at(path);
        if (original === undefined) return undefined;
        const half = Buffer.from(original.bytes.subarray(0, original.bytes.length / 2));
        const inode = new Inode(half, server.nowMs, this.remote.run);
        server.link(String(copy['path']), inode);
        const { boot } = server;
        // It goes on with that whether anybody waits for it or not.
        server.time.at(server.time.nowMs + workMs, () => {
          if (boot !== server.boot) return;
          inode.write(half.length, original.bytes.subarray(half.length), server.nowMs);
          if (!server.connections.has(this)) server.lastLateMs = server.time.nowMs;
        });
        return { warnings: [] };
      },
      { workMs: workMs + 1 },
    );
    return Promise.race([copying, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
  }

  async freeSpace(): Promise<number | undefined> {
    return this.request(() => undefined);
  }

  async discard({ path }: StageToken): Promise<boolean> {
    return this.request(() => {
      this.server.unlink(String(path));
      return true;
    });
  }

  async examine(target: Uint8Array, staged: StageToken | undefined): Promise<Situation> {
    const at = await this.stat(target);
    const stagedAt = staged && (await this.lookAt(staged));
    return {
      target: at ?? 'missing',
      isTargetWritable: undefined,
      staged: staged && { path: Buffer.from(String(staged['path'])), at: stagedAt ?? 'missing' },
      space: undefined,
      trial: undefined,
    };
  }

  async digester(method: DigestMethod): Promise<Digester> {
    const habit = await this.request(() => this.server.habits.digests[method]);
    if (habit === undefined) throw new CopyError('unsupported', `There is no ${method}.`);
    return {
      method,
      algorithms: ['sha256'],
      maxRangeLength: 2 ** 30,
      digests: (of, ranges, algorithm) => this.#digests(method, of, ranges, algorithm),
      close: async () => {},
    };
  }

  /** The commit, in the two steps in which SFTP has to do it. */
  async publish(token: StageToken, seal: Seal, options: PublishOptions = {}): Promise<Published> {
    const { isRepeat = false, replaces } = options;
    const path = String(token['path']);
    const { server } = this;
    const isAsSealed = (at: Attributes | undefined): boolean =>
      at?.size === seal.size && (seal.mtimeMs === undefined || at.mtimeMs === seal.mtimeMs);
    const [staged, target] = await this.request(() => [
      server.at(path)?.attributes,
      server.at(server.target)?.attributes,
    ]);
    const seen = this.remote.seenAtTarget;
    const isChanged = target !== undefined && (target.size !== seen?.size || target.mtimeMs !== seen.mtimeMs);
    if (isChanged && !isRepeat) this.remote.isOvertaken = true;
    if (replaces !== undefined && target !== undefined && !(isRepeat && isAsSealed(target))) {
      const isSame = replaces !== 'nothing' && replaces.size === target.size && replaces.mtimeMs === target.mtimeMs;
      if (!isSame) throw new CopyError('target-busy', 'Somebody else changed the target.');
    }
    if (staged === undefined) {
      if (isRepeat && isAsSealed(target)) return { isAtomic: true, size: target!.size };
      throw new CopyError('partial-refused', 'It is gone before it could be renamed.');
    }
    if (!isAsSealed(staged)) throw new CopyError('target-busy', 'Somebody else changed the staged file.');
    return this.request((isLate) => {
      if (server.takeTrouble('failingRenames')) throw new CopyError('rename-refused', 'It may not be renamed.');
      if (server.at(path) !== undefined) server.publish(path, this.remote.run, isLate);
      else if (!isRepeat || !isAsSealed(server.at(server.target)?.attributes)) {
        throw new CopyError('partial-refused', 'It is gone before it could be renamed.');
      }
      return { isAtomic: true, size: server.at(server.target)!.bytes.length };
    });
  }

  /** `found`: as it was before that. One that comes late and empties a file is beyond what anybody could notice. */
  #openedAgain(path: string, isLate: boolean): { readonly inode: Inode; readonly found: Attributes } | undefined {
    const inode = this.server.at(path);
    if (inode === undefined) return undefined;
    const found = inode.attributes;
    if (this.server.habits.writers === 'truncate' && !isLate) inode.truncate(0, this.server.nowMs);
    return { inode, found };
  }

  #staged(token: StageToken, inode: Inode, found: Attributes | undefined): ModelStaged {
    const staged = new ModelStaged(this, token, inode, found);
    this.held.add(staged);
    return staged;
  }

  async #digests(
    method: DigestMethod,
    of: StageToken | Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const path = of instanceof Uint8Array ? text(of) : String(of['path']);
    const { server } = this;
    const habit = server.habits.digests[method];
    if (habit === 'hang') {
      // Its deadline is a minute.
      await Promise.race([this.remote.pause(60_000), this.closed]);
      this.check();
      throw new CopyError('unsupported', 'It does not answer.');
    }
    return this.request(
      () => {
        if (server.troubles.hasNoDigests) throw new CopyError('unsupported', 'It has ended.');
        const found = server.at(path)?.bytes ?? Buffer.alloc(0);
        const bytes = habit === 'flattering' ? server.sourceOf(this.remote.run) : found;
        return ranges.map(({ offset, length }) => {
          if (habit === 'missing' || offset + length > bytes.length) return undefined;
          const isWrong = habit === 'wrong' || (habit === 'fickle' && server.random() < 0.2);
          const hash = createHash(algorithm).update(bytes.subarray(offset, offset + length));
          return (isWrong ? hash.update('x') : hash).digest();
        });
      },
      { workMs: server.habits.slowWorkMs / 10, isProgress: true },
    );
  }
}

/** What no upload of a file asks for. */
function unused(): CopyError {
  return new CopyError('bug', 'The model does not have that.');
}

/** Relative paths begin at the home directory. */
export function text(path: Uint8Array): string {
  const name = Buffer.from(path).toString('latin1');
  if (name === '' || name === '.') return '/home';
  return name.startsWith('/') ? name : `/home/${name}`;
}
