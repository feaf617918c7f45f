/**
 * Performs operations on the staged file of one file job, on a connection that may open it. If only the owner of the
 * file may open it, and the owner was lost, an operation waits until another connection has become the owner.
 *
 * What can go wrong: the file begins again (the operation is cancelled), or the owner is lost and will not be replaced.
 */
import { CopyError } from '../../errors.ts';
import type { Staged, StageToken } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { LocalConnections } from '../runner/runners.ts';
import type { StagedHolders } from './staged-holders.ts';
import type { Writers } from './writers.ts';

const BEGUN_AGAIN = new CopyError('cancelled', 'The file began again.');
export const OWNER_LOST: CopyError = new CopyError('connection-lost', 'The one connection that wrote it was lost.');

export interface StagedAccessServices {
  readonly access: Pick<ConnectionAccess, 'withConnection' | 'perform' | 'onProgress'>;
  readonly runner: Pick<LocalConnections, 'joined'>;
  readonly writers: Pick<Writers, 'known'>;
}

export class StagedAccess {
  readonly #services: StagedAccessServices;
  readonly #holders: StagedHolders;
  readonly #job: { readonly isOngoing: boolean };
  /** Settles when a connection holds the staged file again. */
  #regained: Deferred<void> | undefined;

  /** `job` tells whether a lost owner is going to be replaced. */
  constructor(services: StagedAccessServices, holders: StagedHolders, job: { readonly isOngoing: boolean }) {
    this.#services = services;
    this.#holders = holders;
    this.#job = job;
  }

  /**
   * @throws {CopyError} `cancelled`: `token` names a staged file that is not used any more; `connection-lost`: its
   *   owner was lost; whatever `work` rejects with
   */
  async withStaged<T>(token: StageToken, work: (staged: Staged) => Promise<T>): Promise<T> {
    const { access, runner, writers } = this.#services;
    const holders = this.#holders;
    const workOn = async (connection: number): Promise<T> => {
      if (token !== holders.token) throw BEGUN_AGAIN;
      holders.add(connection);
      const result = await work(await runner.joined(connection, token));
      access.onProgress();
      return result;
    };
    for (;;) {
      if (writers.known === 'many')
        return access.withConnection(workOn, { prefer: holders.localHolder ?? holders.owner });
      if (token !== holders.token) throw BEGUN_AGAIN;
      if (holders.isOwnerHolding) return access.perform(() => workOn(holders.owner));
      if (!this.#job.isOngoing) throw OWNER_LOST;
      this.#regained ??= deferred();
      await this.#regained.promise;
    }
  }

  /** A connection holds the staged file. */
  onRegained(): void {
    this.#regained?.resolve();
    this.#regained = undefined;
  }

  /** The staged file is not used any more: operations that wait for it are cancelled. */
  stop(): void {
    this.#regained?.reject(BEGUN_AGAIN);
    this.#regained = undefined;
  }
}
