/**
 * The digest providers of one run. They are searched for in the background, the best first. A provider is tried on
 * bytes that are known before any of its digests is trusted, and it is dropped for the whole run when it gives a wrong
 * digest or none.
 */

import { CopyError, type ErrorCode, isBeyondFile } from '../../errors.ts';
import type {
  DigestAlgorithm,
  Digester,
  DigestMethod,
  Range,
  RemoteConnection,
  StageToken,
} from '../../remotes/remote.ts';
import { beforeAbort } from '../../util/before-abort.ts';
import { cleanText } from '../../util/clean-text.ts';
import { inTime } from '../../util/in-time.ts';
import { bytesIn } from '../../util/range-set.ts';
import { SLOWEST_BYTES_PER_MS } from '../../util/slowest-server.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { cellsOf } from '../schedule/grid.ts';
import { areRight } from './digest-back.ts';
import type { DigestProvider, ExpectSource, Trial } from './digest-provider.ts';

const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512', 'sha1', 'md5'];
/** How long the search for a provider may take. */
const SEARCH_MS = 5000;
/** Connections over which the server is asked for digests at the same time; the others stay free for data. */
const LANES = 2;
/**
 * How long an answer is waited for on one connection before another one is asked as well, beside the time in which a
 * slow server hashes the ranges. A connection that has stalled is given up only much later.
 */
const PATIENCE_MS = 5000;
/** On how many connections a request is tried: it may be the reason why the server closes them. */
const MAX_CONNECTIONS = 5;
/** Failures of a connection that a provider may have caused. Others are failures of the line. */
const SUSPECT_CODES: readonly ErrorCode[] = ['connection-stalled', 'protocol'];
/** After so many such failures in a row the provider is dropped: a line that stalls causes fewer of them. */
const MAX_SUSPECT_FAILURES = LANES + 1;
/**
 * How often a provider may be wrong when it is tried. Once may not be its fault: what an earlier run had in flight may
 * arrive between its answer and the reading back, and a crash may take bytes.
 */
const MAX_FAILED_TRIALS = 2;

export interface DigestOptions {
  /** The best first. */
  readonly methods: readonly DigestMethod[];
  readonly algorithm: DigestAlgorithm | 'auto';
  /** Whether the run fails without a provider. If so, the search has no time limit of its own. Default: false. */
  readonly isDemanded?: boolean;
  /** How long one connection is waited for, beside the time for hashing, in milliseconds. Default: 5000. */
  readonly patienceMs?: number;
}

/** Which connection an operation of a digester uses. */
interface LaneChoice {
  /** Without another one, the operation fails. */
  readonly avoid?: number | undefined;
  readonly onChosen?: (connection: number) => void;
}

export type DigestAccess = Pick<ConnectionAccess, 'withConnection' | 'onProgress'>;

interface Lane {
  readonly connection: number;
  readonly digester: Promise<Digester>;
  asks: number;
  /** Whether another lane has answered what this one was asked before. */
  isLate: boolean;
}

export class DigestProviders {
  readonly #access: DigestAccess;
  readonly #options: DigestOptions;
  readonly #onNotice: (message: string) => void;
  /** The methods that were not dropped. The first one is in use. */
  readonly #left: DigestMethod[];
  #search: Promise<DigestProvider | undefined> | undefined;
  /** The algorithm of the provider that was found last. */
  #algorithm: DigestAlgorithm | undefined;
  /** Providers that gave right digests when they were tried. */
  readonly #trusted: Set<DigestProvider> = new Set();
  #trying: Promise<void> | undefined;
  /** Digesters of the method in use, by the connection they work over. */
  readonly #lanes: Map<RemoteConnection, Lane> = new Map();
  /** Failures in a row that the provider in use may have caused. */
  #suspectFailures = 0;
  /** At most {@link LANES}; lower if the server allows fewer. */
  #mostLanes = LANES;
  #isOver = false;

  /** `onNotice` is called with messages for the user. */
  constructor(access: DigestAccess, options: DigestOptions, onNotice: (message: string) => void) {
    this.#access = access;
    this.#options = options;
    this.#onNotice = onNotice;
    this.#left = [...options.methods];
  }

  /** Whether the options allow any provider. */
  get isWanted(): boolean {
    return this.#options.methods.length > 0;
  }

  /** Begins the search, unless it has begun. */
  start(): void {
    this.#found().catch(() => {});
  }

  /**
   * Whether there is a provider that may be tried. Settles within seconds.
   * @throws {CopyError} `cancelled`: the run is over; scope `connection`
   */
  async isAvailable(): Promise<boolean> {
    return (await this.#found()) !== undefined;
  }

  /**
   * As {@link isAvailable}, but false where a connection is lost before the answer is known.
   * @throws {CopyError} `cancelled`: the run is over
   */
  async isSurelyAvailable(): Promise<boolean> {
    return this.isAvailable().catch((error: unknown) => {
      if (CopyError.from(error).scope === 'connection') return false;
      throw error;
    });
  }

  /**
   * The provider that gave right digests when it was tried, on these bytes or on others before. Undefined: there is
   * none.
   * @throws {CopyError} `cancelled`: the run is over; scope `connection`
   */
  async trusted(trial: Trial): Promise<DigestProvider | undefined> {
    for (;;) {
      const provider = await this.#found();
      if (provider === undefined || this.#trusted.has(provider)) return provider;
      if (this.#trying !== undefined) {
        // The caller whose trial it is gets its failure. Other callers make a trial of their own.
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
   * Has the server hash ranges, each a cell as `Digester.digests` wants it. Undefined: the provider was dropped.
   * @throws {CopyError} `cancelled`: the run is over; whatever `expectSource` throws
   */
  async ask(
    { method, algorithm }: DigestProvider,
    of: StageToken | Uint8Array,
    ranges: readonly Range[],
    expectSource?: ExpectSource,
  ): Promise<readonly (Uint8Array | undefined)[] | undefined> {
    if (this.#isOver) throw over();
    if (this.inUse !== method) return undefined;
    try {
      const digests = await this.#asked(method, ranges, (digester) => digester.digests(of, ranges, algorithm));
      this.#access.onProgress();
      if (digests.length !== ranges.length)
        throw new CopyError('unsupported', 'It returns the wrong number of digests.');
      return digests;
    } catch (error) {
      const failure = CopyError.from(error);
      if (this.#isOver) throw over();
      if (failure.scope === 'run') throw failure;
      await expectSource?.();
      // Several connections failed in turn: perhaps the server closes them because of the request.
      this.drop(method, cleanText(failure.message));
      return undefined;
    }
  }

  /** Whether the server is hashing for this connection. It may answer nothing else meanwhile. */
  isWorkingOn(connection: number): boolean {
    return [...this.#lanes.values()].some((lane) => lane.connection === connection && lane.asks > 0 && !lane.isLate);
  }

  /** The method that is asked for digests, or would be. */
  get inUse(): DigestMethod | undefined {
    return this.#left[0];
  }

  /** The algorithm by which pieces will be compared, as far as it is known. Undefined: no provider is left. */
  get algorithm(): DigestAlgorithm | undefined {
    if (this.inUse === undefined) return undefined;
    const { algorithm } = this.#options;
    return this.#algorithm ?? (algorithm === 'auto' ? ALGORITHMS[0] : algorithm);
  }

  /** The provider gave a wrong digest, or none. It is not used again in this run. */
  drop(method: DigestMethod, reason: string): void {
    if (this.inUse !== method) return;
    this.#left.shift();
    this.#onNotice(`The server's ${method} is not used: ${reason.replace(/\.$/, '')}.`);
    this.#closeLanes();
    this.#search = undefined;
    this.#suspectFailures = 0;
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
    // The silence of a connection does not show what the server can do, and a run that demands digests can wait.
    const late = this.#options.isDemanded ? new AbortController().signal : AbortSignal.timeout(SEARCH_MS);
    let lost: CopyError | undefined;
    while (this.#left.length > 0 && !late.aborted) {
      const method = this.#left[0]!;
      try {
        const opened = await beforeAbort(this.#open(method), late);
        if (opened === undefined) throw new CopyError('unsupported', 'The server takes too long to answer.');
        return opened;
      } catch (error) {
        if (this.#isOver) throw over();
        const failure = CopyError.from(error);
        if (failure.scope === 'run') throw failure;
        // The failure of a connection does not show what the server can do.
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

  /** Drops a provider that fails its trial. Rejects where the trial itself could not be made. */
  async #try(provider: DigestProvider, { of, ranges, back, expectSource }: Trial): Promise<void> {
    const { method, algorithm, maxRangeLength } = provider;
    const cells = (await ranges()).flatMap((range) => cellsOf(range, maxRangeLength));
    try {
      for (let failed = 0; failed < MAX_FAILED_TRIALS; failed++) {
        const there = await this.ask(provider, of, cells, expectSource);
        if (there === undefined) return;
        if (await areRight(there, back(cells, algorithm))) return void this.#trusted.add(provider);
      }
      await expectSource?.();
      this.drop(method, 'its answers are wrong');
    } catch (error) {
      const failure = CopyError.from(error);
      if (this.#isOver) throw over();
      if (isBeyondFile(failure) || failure.code === 'source-changed') throw failure;
      this.drop(method, `it could not be tried (${cleanText(failure.message)})`);
    }
  }

  /** Works on a second lane as well where the first one takes too long. The first result counts. */
  async #asked<T>(
    method: DigestMethod,
    ranges: readonly Range[],
    work: (digester: Digester) => Promise<T>,
  ): Promise<T> {
    let avoid: number | undefined;
    const onChosen = (connection: number): void => {
      avoid = connection;
    };
    const first = this.#onLane(method, work, { onChosen });
    const patienceMs = this.#options.patienceMs ?? PATIENCE_MS;
    const answer = await inTime(first, patienceMs + bytesIn(ranges) / SLOWEST_BYTES_PER_MS);
    // Without a connection, the request waits for one.
    if (answer !== undefined || avoid === undefined) return answer ?? first;
    const second = this.#onLane(method, work, { avoid });
    // The connection may have stalled, and hashing does not excuse its silence any more.
    void second.then(() => this.#setLate(avoid)).catch(() => {});
    return Promise.any([first, second]).catch(() => first);
  }

  #setLate(connection: number | undefined): void {
    for (const lane of this.#lanes.values()) if (lane.connection === connection && lane.asks > 0) lane.isLate = true;
  }

  /** Works on the lane with the fewest requests, and opens another lane only where all are busy. */
  #onLane<T>(
    method: DigestMethod,
    work: (digester: Digester) => Promise<T>,
    { avoid, onChosen }: LaneChoice = {},
  ): Promise<T> {
    const usable = [...this.#lanes].filter(([, lane]) => lane.connection !== avoid && !lane.isLate);
    const lanes = usable.sort(([, a], [, b]) => a.asks - b.asks);
    const isFree = lanes.length < this.#mostLanes && (lanes[0]?.[1].asks ?? 1) > 0;
    const prefer = isFree ? undefined : lanes[0]![1].connection;
    return this.#access.withConnection(
      async (connection, remote) => {
        if (connection === avoid) throw new CopyError('unsupported', 'No other connection is open.');
        const lane = this.#laneOn(connection, remote, method);
        onChosen?.(connection);
        lane.asks++;
        try {
          const digester = await this.#openedOn(lane);
          // The provider may have been dropped before this attempt.
          if (digester === undefined || this.inUse !== method) return await this.#again(method, work);
          const answer = await work(digester);
          lane.isLate = false;
          this.#suspectFailures = 0;
          return answer;
        } catch (error) {
          throw this.#attributed(CopyError.from(error));
        } finally {
          lane.asks--;
        }
      },
      { attempts: MAX_CONNECTIONS, avoid, ...(prefer !== undefined && { prefer }) },
    );
  }

  /** Undefined: the server allows no more lanes, and another one must be used. */
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

  /** The failure of the connection, or that of the provider where one connection after another fails with it. */
  #attributed(failure: CopyError): CopyError {
    if (!SUSPECT_CODES.includes(failure.code) || ++this.#suspectFailures < MAX_SUSPECT_FAILURES) return failure;
    return new CopyError('unsupported', failure.message, { cause: failure });
  }

  #laneOn(connection: number, remote: RemoteConnection, method: DigestMethod): Lane {
    const known = this.#lanes.get(remote);
    if (known !== undefined) return known;
    const lane: Lane = { connection, digester: remote.digester(method), asks: 0, isLate: false };
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
