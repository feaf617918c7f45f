/**
 * What earlier runs left of the target of one download: this run continues it, or removes it. Our own journal names
 * what this machine has written; a partial file without a journal is found by listing the directory.
 *
 * The lock on the target keeps other runs of this machine away. On a file system that other machines share, a run there
 * may still be writing, so that only what the own journal names is continued.
 */

import type { Range, StageToken } from '../../remotes/remote.ts';
import { baseName, directoryName } from '../../util/byte-path.ts';
import { bytesFromText, textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { hexOf, partialNameFits } from '../../util/partial-name.ts';
import { LocalPartial } from '../local/local-partial.ts';
import { type FoundPartial, findPartials, isOnSharedFileSystem, removeIfOld } from '../local/local-partials.ts';
import type { FileJournal } from '../resume/file-journal.ts';
import type { Report } from '../transfer/direction.ts';
import type { Claims } from '../transfer/job-resume.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';

export interface EarlierPartialsServices {
  readonly digests: Pick<DigestProviders, 'isSurelyAvailable'>;
  readonly report: Pick<Report, 'notice'>;
}

export interface ContinuedPartial {
  readonly partial: LocalPartial;
  readonly claims: Claims;
  /** Whether the journal is about it. */
  readonly isJournalled: boolean;
}

export interface EarlierPartialsOptions {
  readonly target: Uint8Array;
  /** Of the source, bytes. */
  readonly size: number;
  /** Whether the server tells the time of the source: without it, another source may have the same size. */
  readonly isDated: boolean;
  /** False: what earlier runs left is thrown away. */
  readonly isResuming: boolean;
}

/** How a journal names a partial file. */
export function tokenOf({ path }: LocalPartial): StageToken {
  return { stage: hexOf(path), partial: textFromBytes(path) };
}

export class EarlierPartials {
  readonly #services: EarlierPartialsServices;
  readonly #options: EarlierPartialsOptions;
  readonly #journal: FileJournal;

  constructor(services: EarlierPartialsServices, options: EarlierPartialsOptions, journal: FileJournal) {
    this.#services = services;
    this.#options = options;
    this.#journal = journal;
  }

  /** The partial file that is to be continued; undefined: there is none. */
  async reopen(): Promise<ContinuedPartial | undefined> {
    if (!this.#options.isResuming) return undefined;
    const candidates = (await findPartials(this.#options.target)).filter((found) => this.#mayContinue(found));
    // The search for a provider takes time, and is waited for only if something may be continued.
    if (!this.#journal.mayContinue && candidates.length === 0) return undefined;
    const canHash = await this.#services.digests.isSurelyAvailable();
    // A copy is continued without a journal only where digests can tell what is right of it.
    return (await this.#byJournal(canHash)) ?? (canHash ? await this.#byListing(candidates) : undefined);
  }

  /** Removes what is not continued as far as nobody may be writing it. `own`: the partial file of this run. */
  async clear(own: LocalPartial): Promise<void> {
    const { target, isResuming } = this.#options;
    const named = this.#named;
    if (named !== undefined && !named.equals(own.path)) await LocalPartial.discardEarlier(named, true);
    const isAlone = !isResuming && !(await isOnSharedFileSystem(target));
    const left: string[] = [];
    for (const found of await findPartials(target)) {
      if (found.path.equals(own.path)) continue;
      if (isAlone && found.isCertain) await LocalPartial.discardEarlier(found.path);
      else if (!(await removeIfOld(found)) && found.isCertain) left.push(cleanText(found.path));
    }
    if (left.length === 0) return;
    const message = `Another run has left what is not used here: ${left.join(', ')}.`;
    this.#services.report.notice('left-behind', message, 'warning');
  }

  async #byJournal(canHash: boolean): Promise<ContinuedPartial | undefined> {
    const journal = this.#journal;
    const named = this.#named;
    if (!journal.mayContinue || named === undefined) return undefined;
    const partial = await LocalPartial.reopen(named, true);
    if (partial === undefined) return undefined;
    // Digests are of what the system has in its memory, too.
    if (canHash && !journal.wasSyncRefused) {
      journal.continueByDigests(partial.found);
      return {
        partial,
        claims: { claims: [...journal.near(this.#written(partial))], by: 'digests' },
        isJournalled: true,
      };
    }
    // After a crash of the system, it may be shorter than the journal says. What it has is compared with the journal.
    const claims = journal.claims.filter(({ offset, length }) => offset + length <= partial.found.size);
    if (claims.length > 0 && this.#options.isDated) {
      journal.continueByJournal(claims);
      return { partial, claims: { claims, by: 'journal' }, isJournalled: true };
    }
    await partial.close();
    return undefined;
  }

  async #byListing(candidates: readonly FoundPartial[]): Promise<ContinuedPartial | undefined> {
    const { target } = this.#options;
    if (candidates.length === 0 || (await isOnSharedFileSystem(target))) return undefined;
    for (const { path } of candidates) {
      const partial = await LocalPartial.reopen(path);
      if (partial === undefined) continue;
      return { partial, claims: { claims: [this.#written(partial)], by: 'digests' }, isJournalled: false };
    }
    return undefined;
  }

  #mayContinue({ isCertain, size, path }: FoundPartial): boolean {
    const isDoubtful = this.#journal.wasSyncRefused && this.#named?.equals(path) === true;
    return isCertain && size > 0 && !isDoubtful;
  }

  #written({ found }: LocalPartial): Range {
    return { offset: 0, length: Math.min(found.size, this.#options.size) };
  }

  /** What the journal names, if that may be a partial file of the target: a journal may have been tampered with. */
  get #named(): Buffer | undefined {
    const { target } = this.#options;
    const text = this.#journal.staged?.['partial'];
    if (typeof text !== 'string') return undefined;
    const path = bytesFromText(text);
    const isBeside = directoryName(path).equals(directoryName(target));
    return isBeside && partialNameFits(baseName(path), baseName(target)) !== undefined ? path : undefined;
  }
}
