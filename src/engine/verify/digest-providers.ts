/**
 * The ways in which the server can be made to hash, for one run: looked for in the background, tried on bytes that are
 * known before anything is believed, and dropped for good where one is wrong or gone.
 */
import { CopyError, type ErrorCode } from '../../errors.ts';
import type {
  DigestAlgorithm,
  Digester,
  DigestMethod,
  Range,
  RemoteConnection,
  StageToken,
} from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { cellsOf } from '../schedule/grid.ts';
import { type DigestBack, isSameDigest } from './digest-back.ts';

const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512', 'sha1', 'md5'];
/** In which one must be found. */
const SEARCH_MS = 5000;
/** Connections over which a run has the server hash: it has other things to do. */
const LANES = 2;
/** Connections on which a provider is tried: it may be what makes the server hang up. */
const MAX_CONNECTIONS = 5;
/** What a connection ends with that a provider may have spoilt, as opposed to the line. */
const SPOILT: readonly ErrorCode[] = ['connection-stalled', 'protocol'];
/** So many in a row, more than a line that stalls can account for, and it is the provider: it would take all of them. */
const MAX_SPOILT = LANES + 1;

export interface DigestOptions {
  /** The best first. */
  readonly methods: readonly DigestMethod[];
  readonly algorithm: DigestAlgorithm | 'auto';
}

export type DigestAccess = Pick<ConnectionAccess, 'onConnection' | 'progressed'>;

/** Bytes on the server to try a provider on. */
export interface Trial {
  readonly of: StageToken;
  /** Cells, as `Digester.digests` wants them; asked for only if there is something to try. */
  readonly ranges: () => Promise<readonly Range[]>;
  readonly back: DigestBack;
}

/** One that was found, and what it is asked for. */
export interface DigestProvider {
  readonly method: DigestMethod;
  readonly algorithm: DigestAlgorithm;
  /** Bytes of one range, at most. */
  readonly maxRangeLength: number;
}

interface Lane {
  readonly connection: number;
  readonly digester: Promise<Digester>;
  asks: number;
}

export class DigestProviders {
  readonly #access: DigestAccess;
  readonly #options: DigestOptions;
  readonly #told: (message: string) => void;
  /** Not dropped; the first is in use. */
  readonly #left: DigestMethod[];
  #search: Promise<DigestProvider | undefined> | undefined;
  /** Of the last that was found. */
  #algorithm: DigestAlgorithm | undefined;
  /** That gave right answers when they were tried. */
  readonly #stood: Set<DigestProvider> = new Set();
  #trying: Promise<void> | undefined;
  /** Digesters of the method in use, by the connection they work over. */
  readonly #lanes: Map<RemoteConnection, Lane> = new Map();
  /** Connections that ended like that while they hashed, since one of them gave an answer. */
  #spoilt = 0;
  /** The server may bear less than we would have. */
  #mostLanes = LANES;
  #isOver = false;

  /** `told` gets what is worth a line. */
  constructor(access: DigestAccess, options: DigestOptions, told: (message: string) => void) {
    this.#access = access;
    this.#options = options;
    this.#told = told;
    this.#left = [...options.methods];
  }

  /** Whether any may be used, if the server has one. */
  get isWanted(): boolean {
    return this.#options.methods.length > 0;
  }

  /** Begins to look, if nobody did. */
  start(): void {
    this.#found().catch(() => {});
  }

  /**
   * Whether there is one that may be tried; settles within seconds.
   * @throws CopyError `cancelled` when the run is over, or scope `connection`
   */
  async isAvailable(): Promise<boolean> {
    return (await this.#found()) !== undefined;
  }

  /**
   * The one that has stood the trial, on these bytes or on others before.
   * @throws CopyError `cancelled` when the run is over, or scope `connection`
   */
  async trusted(trial: Trial): Promise<DigestProvider | undefined> {
    for (;;) {
      const provider = await this.#found();
      if (provider === undefined || this.#stood.has(provider)) return provider;
      if (this.#trying !== undefined) {
        // Whose trial fails for reasons of his own learns of it; others try themselves.
        await this.#trying.catch(() => {});
        continue;
      }
      this.#trying = this.#try(provider, trial).finally(() => {
        this.#trying = undefined;
      });
      await this.#trying;
    }
  }

  /**
   * Has ranges hashed, each a cell as `Digester.digests` wants it. Undefined: that provider was dropped.
   * @throws CopyError `cancelled` when the run is over
   */
  async ask(
    { method, algorithm }: DigestProvider,
    of: StageToken,
    ranges: readonly Range[],
  ): Promise<readonly (Uint8Array | undefined)[] | undefined> {
    if (this.#isOver) throw over();
    if (this.inUse !== method) return undefined;
    try {
      const digests = await this.#onLane(method, (digester) => digester.digests(of, ranges, algorithm));
      this.#access.progressed();
      if (digests.length !== ranges.length) throw new CopyError('unsupported', 'It gives another number of digests.');
      return digests;
    } catch (error) {
      const failure = CopyError.from(error);
      if (this.#isOver) throw over();
      if (failure.scope === 'run') throw failure;
      // It was tried on one after another: perhaps the server hangs up on such questions.
      this.drop(method, cleanText(failure.message));
      return undefined;
    }
  }

  /** Whether the server hashes for this connection: it may have no ear for anything else. */
  isWorkingOn(connection: number): boolean {
    return [...this.#lanes.values()].some((lane) => lane.connection === connection && lane.asks > 0);
  }

  /** What is asked now, or would be. */
  get inUse(): DigestMethod | undefined {
    return this.#left[0];
  }

  /** By what pieces will be compared, as far as it is known; undefined: by nothing. */
  get algorithm(): DigestAlgorithm | undefined {
    if (this.inUse === undefined) return undefined;
    const { algorithm } = this.#options;
    return this.#algorithm ?? (algorithm === 'auto' ? ALGORITHMS[0] : algorithm);
  }

  /** It gave a wrong answer, or none: never again in this run. */
  drop(method: DigestMethod, reason: string): void {
    if (this.inUse !== method) return;
    this.#left.shift();
    this.#told(`The server's ${method} is not used: ${reason.replace(/\.$/, '')}.`);
    this.#closeLanes();
    this.#search = undefined;
    this.#spoilt = 0;
  }

  end(): void {
    this.#isOver = true;
    this.#closeLanes();
  }

  async #found(): Promise<DigestProvider | undefined> {
    if (this.#isOver) throw over();
    this.#search ??= this.#find();
    return this.#search;
  }

  async #find(): Promise<DigestProvider | undefined> {
    const late = AbortSignal.timeout(SEARCH_MS);
    let lost: CopyError | undefined;
    while (this.#left.length > 0 && !late.aborted) {
      const method = this.#left[0]!;
      try {
        return await beforeAbort(this.#open(method), late);
      } catch (error) {
        if (this.#isOver) throw over();
        const failure = CopyError.from(error);
        if (failure.scope === 'run') throw failure;
        // That says nothing of the server's means.
        lost = failure.scope === 'connection' ? failure : undefined;
        if (lost === undefined) this.#left.shift();
        this.#closeLanes();
      }
    }
    if (lost !== undefined) {
      this.#search = undefined;
      throw lost;
    }
    this.#left.length = 0;
    return undefined;
  }

  async #open(method: DigestMethod): Promise<DigestProvider> {
    const { algorithms, maxRangeLength } = await this.#onLane(method, async (digester) => digester);
    const { algorithm: wanted } = this.#options;
    const algorithm = wanted === 'auto' ? ALGORITHMS.find((one) => algorithms.includes(one)) : wanted;
    if (algorithm === undefined || !algorithms.includes(algorithm)) {
      throw new CopyError('unsupported', `The server's ${method} has no ${wanted}.`);
    }
    this.#algorithm = algorithm;
    return { method, algorithm, maxRangeLength };
  }

  /** What fails is dropped; rejects where the trial could not be made, for the sake of a connection or of what is tried. */
  async #try(provider: DigestProvider, { of, ranges, back }: Trial): Promise<void> {
    const { method, algorithm, maxRangeLength } = provider;
    const cells = (await ranges()).flatMap((range) => cellsOf(range, maxRangeLength));
    try {
      const there = await this.ask(provider, of, cells);
      if (there === undefined) return;
      const known = await back(cells, algorithm);
      if (known.every((digest, index) => isSameDigest(digest, there[index]))) this.#stood.add(provider);
      else this.drop(method, 'its answers are wrong');
    } catch (error) {
      const failure = CopyError.from(error);
      if (this.#isOver) throw over();
      if (failure.scope === 'connection' || failure.scope === 'run') throw failure;
      this.drop(method, `it could not be tried (${cleanText(failure.message)})`);
    }
  }

  /** Where the least is asked for already, on as few connections as will do. */
  #onLane<T>(method: DigestMethod, work: (digester: Digester) => Promise<T>): Promise<T> {
    const lanes = [...this.#lanes].sort(([, a], [, b]) => a.asks - b.asks);
    const isFree = lanes.length < this.#mostLanes && (lanes[0]?.[1].asks ?? 1) > 0;
    const prefer = isFree ? undefined : lanes[0]![1].connection;
    return this.#access.onConnection(
      async (connection, remote) => {
        const lane = this.#laneOn(connection, remote, method);
        lane.asks++;
        try {
          const digester = await this.#openedOn(lane);
          // A try after a connection was lost may come when it has been dropped.
          if (digester === undefined || this.inUse !== method) return await this.#again(method, work);
          const answer = await work(digester);
          this.#spoilt = 0;
          return answer;
        } catch (error) {
          throw this.#blamed(CopyError.from(error));
        } finally {
          lane.asks--;
        }
      },
      { attempts: MAX_CONNECTIONS, ...(prefer !== undefined && { prefer }) },
    );
  }

  /** Undefined where another lane has to do, as the server bears no more of them. */
  async #openedOn(lane: Lane): Promise<Digester | undefined> {
    try {
      return await lane.digester;
    } catch (error) {
      if (CopyError.from(error).scope === 'connection' || this.#lanes.size === 0) throw error;
      this.#mostLanes = this.#lanes.size;
      return undefined;
    }
  }

  async #again<T>(method: DigestMethod, work: (digester: Digester) => Promise<T>): Promise<T> {
    if (this.inUse !== method) throw new CopyError('unsupported', `The server's ${method} was dropped.`);
    return this.#onLane(method, work);
  }

  /** A failure of the connection, or of the provider where that spoils one connection after another. */
  #blamed(failure: CopyError): CopyError {
    if (!SPOILT.includes(failure.code) || ++this.#spoilt < MAX_SPOILT) return failure;
    return new CopyError('unsupported', failure.message, { cause: failure });
  }

  #laneOn(connection: number, remote: RemoteConnection, method: DigestMethod): Lane {
    const known = this.#lanes.get(remote);
    if (known !== undefined) return known;
    const lane: Lane = { connection, digester: remote.digester(method), asks: 0 };
    this.#lanes.set(remote, lane);
    const forget = (): void => {
      if (this.#lanes.get(remote) === lane) this.#lanes.delete(remote);
    };
    lane.digester.catch(forget);
    void remote.closed.then(forget);
    return lane;
  }

  #closeLanes(): void {
    for (const { digester } of this.#lanes.values()) {
      void digester.then((opened) => opened.close()).catch(() => {});
    }
    this.#lanes.clear();
  }
}

function over(): CopyError {
  return new CopyError('cancelled', 'The run is over.');
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new CopyError('unsupported', 'The server takes too long to answer.'));
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}
