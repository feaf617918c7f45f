/** Verifies a stream that was sent, by digests of its cells on both sides. */
import { CopyError } from '../../../errors.ts';
import type { DigestMethod, Range, StageToken } from '../../../remotes/remote.ts';
import { type DigestBack, isSameDigest } from '../../verify/digest-back.ts';
import type { DigestProvider } from '../../verify/digest-provider.ts';
import type { DigestProviders } from '../../verify/digest-providers.ts';
import type { HashedCell, StreamDigests } from './stream-digests.ts';

/** How many cells are compared at once. */
const BATCH = 64;
/** Bytes of each range that a provider is tried on. */
const TRIAL_LENGTH = 64 * 1024;

export interface SentStream {
  readonly of: StageToken;
  readonly digests: StreamDigests;
  /** Computes digests of what the server returns for ranges. */
  readonly back: DigestBack;
}

/** `wrong`: a range that the server does not have as it was sent. */
export type StreamVerdict = { readonly by: DigestMethod | 'read-back' } | { readonly wrong: Range } | undefined;

/**
 * Verifies by digests of the server; undefined where it can give none.
 * @throws {CopyError} scope `run`: the run is over; scope `connection`: the connection was lost
 */
export async function verifyByDigest(providers: DigestProviders, sent: SentStream): Promise<StreamVerdict> {
  const cells = sent.digests.end();
  for (;;) {
    const provider = await providers.trusted({ of: sent.of, back: sent.back, ranges: async () => trialRanges(cells) });
    // The stream was hashed for another provider, and cannot be read again.
    if (provider === undefined || !fits(provider, sent)) return undefined;
    const verdict = await verifyBy(provider, providers, sent, cells);
    if (verdict !== 'dropped') return verdict;
  }
}

/** Verifies by reading everything back. */
export async function verifyByReadBack({ digests, back }: SentStream): Promise<StreamVerdict> {
  const cells = digests.end();
  for (const batch of batchesOf(cells)) {
    const there = await back(rangesOf(batch), digests.algorithm).catch(missing);
    const wrong = batch.find(({ digest }, index) => !isSameDigest(digest, there[index]));
    if (wrong !== undefined) return { wrong: wrong.range };
  }
  return { by: 'read-back' };
}

async function verifyBy(
  provider: DigestProvider,
  providers: DigestProviders,
  { of, digests, back }: SentStream,
  cells: readonly HashedCell[],
): Promise<StreamVerdict | 'dropped'> {
  for (const batch of batchesOf(cells)) {
    const there = await providers.ask(provider, of, rangesOf(batch));
    if (there === undefined) return 'dropped';
    const wrong = batch.find(({ digest }, index) => !isSameDigest(digest, there[index]));
    if (wrong === undefined) continue;
    // The provider may be wrong: the stream is sent again only if reading it back shows a difference too.
    const [known] = await back([wrong.range], digests.algorithm).catch(missing);
    if (!isSameDigest(wrong.digest, known)) return { wrong: wrong.range };
    providers.drop(provider.method, 'it gave a wrong digest');
    return 'dropped';
  }
  return { by: provider.method };
}

function fits({ algorithm, maxRangeLength }: DigestProvider, { digests }: SentStream): boolean {
  const longest = Math.max(0, ...digests.end().map(({ range }) => range.length));
  return algorithm === digests.algorithm && longest <= maxRangeLength;
}

/** If the server does not have the bytes, there are no digests of them. */
function missing(error: unknown): readonly Uint8Array[] {
  if (CopyError.from(error).code === 'integrity') return [];
  throw error;
}

/** The beginnings of the first cell and the last. */
function trialRanges(cells: readonly HashedCell[]): Range[] {
  const short = ({ offset, length }: Range): Range => ({ offset, length: Math.min(TRIAL_LENGTH, length) });
  const ends = cells.length > 1 ? [cells[0]!, cells.at(-1)!] : cells;
  return ends.map(({ range }) => short(range));
}

function rangesOf(cells: readonly HashedCell[]): Range[] {
  return cells.map(({ range }) => range);
}

function* batchesOf(cells: readonly HashedCell[]): Generator<readonly HashedCell[]> {
  for (let first = 0; first < cells.length; first += BATCH) yield cells.slice(first, first + BATCH);
}
