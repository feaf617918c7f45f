/** Compares a local file with a file of the server that has the same size, by digests of both sides. */
import type { Range } from '../../remotes/remote.ts';
import { LocalDigests } from '../local/local-digests.ts';
import { openSource } from '../local/local-source.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import { cellsOf, choosePieceSize, UNLIMITED_PIECES } from '../schedule/grid.ts';
import { digestBack } from '../verify/digest-back.ts';
import { compareDigests } from '../verify/digest-comparison.ts';
import type { JobServices } from './direction.ts';
import { MAX_SMALL_FILE } from './small-file-lane.ts';

/** Pieces that are compared first: if one of them differs, the others need not be hashed. */
const SAMPLES = 16;
/** Pieces that are compared at a time. */
const BATCH = 64;

export interface BothFiles {
  readonly local: Buffer;
  readonly remote: Uint8Array;
  /** Bytes, the same on both sides. */
  readonly size: number;
}

/**
 * Undefined: no provider of digests can be trusted.
 * @throws {CopyError} one of the files cannot be read, or changes; the run is over
 */
export async function hasSameContents(
  { digests, access }: Pick<JobServices, 'digests' | 'access'>,
  { local: path, remote, size }: BothFiles,
): Promise<boolean | undefined> {
  if (size === 0) return true;
  const source = await openSource(path);
  try {
    if (source.size !== size || source.isStream) return false;
    const { fd } = source;
    const sides = {
      of: remote,
      fd,
      local: new LocalDigests(fillFrom(fd)),
      back: (...[ranges, algorithm]: Parameters<Parameters<typeof compareDigests>[1]['back']>) =>
        access.withConnection(async (_, connection) => {
          const file = await connection.open(remote);
          // A failure to close does not matter, because it was only read.
          return digestBack({ readBack: file.read.bind(file) }, ranges, algorithm).finally(() =>
            file.close().catch(() => {}),
          );
        }),
      expectSource: () => source.checkUnchanged(),
      repeat: <T>(work: () => Promise<T>, isWanted?: () => boolean) => access.repeat(work, isWanted),
    };
    for (const ranges of inTurn(size)) {
      const compared = await compareDigests(digests, sides, ranges);
      if (compared === undefined) return undefined;
      if (compared.same.includes(false)) return false;
    }
    await source.checkUnchanged();
    return true;
  } finally {
    await source.close();
  }
}

/** The pieces of a file in batches; the first one has samples from all over the file. */
function* inTurn(size: number): Generator<Range[]> {
  const whole = { offset: 0, length: size };
  if (size <= MAX_SMALL_FILE) return yield [whole];
  const pieces = [...cellsOf(whole, choosePieceSize(size, UNLIMITED_PIECES, 'auto'))];
  const step = Math.max(1, Math.ceil(pieces.length / SAMPLES));
  yield pieces.filter((_, index) => index % step === 0);
  const rest = pieces.filter((_, index) => index % step !== 0);
  for (let offset = 0; offset < rest.length; offset += BATCH) yield rest.slice(offset, offset + BATCH);
}
