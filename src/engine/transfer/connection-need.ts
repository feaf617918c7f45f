/** How many connections a run wants, while more and more of what it has to copy becomes known. */
import type { ConnectionPool } from '../connections/connection-pool.ts';
import type { Preparation } from './direction.ts';
import type { WantedOptions } from './wanted-connections.ts';
import { connectionsFor, mostConnections, NOTHING_TO_COPY, type ToCopy, withFile } from './wanted-connections.ts';

export interface ConnectionNeedOptions extends Pick<WantedOptions, 'pieceSize'> {
  /** Undefined: the number is fixed. */
  readonly connections?: WantedOptions['connections'];
  readonly dryRun: boolean;
}

export class ConnectionNeed {
  readonly #options: ConnectionNeedOptions;
  readonly #pool: Pick<ConnectionPool, 'wanted' | 'want'>;
  #toCopy: ToCopy = NOTHING_TO_COPY;
  #isGrowing = false;
  #wanted: number;

  constructor(options: ConnectionNeedOptions, pool: Pick<ConnectionPool, 'wanted' | 'want'>) {
    this.#options = options;
    this.#pool = pool;
    this.#wanted = pool.wanted;
  }

  /** The most connections that the run may want. */
  get most(): number {
    const { connections } = this.#options;
    if (!this.#isGrowing || connections === undefined) return this.#wanted;
    return Math.max(this.#wanted, mostConnections({ connections }));
  }

  /** What is known before anything is planned. */
  begin({ sizes, isGrowing = false }: Preparation): void {
    const { connections } = this.#options;
    this.#isGrowing = isGrowing;
    // Those of a run that grows are counted when they are planned.
    if (sizes === undefined || isGrowing || connections === undefined) return;
    let toCopy = this.#toCopy;
    for (const size of sizes) toCopy = withFile(toCopy, size, this.#options);
    this.#want(connectionsFor({ connections }, toCopy));
  }

  /** A file of so many bytes is to be copied. */
  add(size: number): void {
    if (this.#isGrowing) this.#toCopy = withFile(this.#toCopy, size, this.#options);
  }

  /** Wants as many as are of use for what is known by now. Returns whether their number has changed. */
  adjust(): boolean {
    const { connections } = this.#options;
    if (!this.#isGrowing || connections === undefined) return false;
    const wanted = connectionsFor({ connections }, this.#toCopy);
    if (wanted <= this.#wanted) return false;
    this.#want(wanted);
    return true;
  }

  #want(count: number): void {
    if (this.#options.dryRun || count === this.#wanted) return;
    this.#wanted = count;
    this.#pool.want(count);
  }
}
