/**
 * A direction for measurements: copies files of any size and number that exist nowhere. No byte is read, kept or
 * hashed, so that what is measured is the run with its jobs.
 */
import type { LocalDigests } from '../../../src/engine/local/local-digests.ts';
import { choosePieceSize, UNLIMITED_PIECES } from '../../../src/engine/schedule/grid.ts';
import type {
  Direction,
  JobServices,
  PlannedFile,
  PlanSink,
  Preparation,
  RunningJob,
} from '../../../src/engine/transfer/direction.ts';
import { FileJob } from '../../../src/engine/transfer/file-job.ts';
import type { FileTransfer } from '../../../src/engine/transfer/file-transfer.ts';
import type { Range } from '../../../src/remotes/remote.ts';

const DIGEST = Buffer.alloc(32, 1);
const local = {
  digest: async () => DIGEST,
  digests: async (ranges: readonly Range[]) => ranges.map(() => DIGEST),
  learn: () => {},
} as Partial<LocalDigests> as LocalDigests;

export class GeneratedCopy implements Direction {
  readonly name = 'download';
  readonly #size: number;
  readonly #count: number;

  /** `count` files of `size` bytes each. */
  constructor(size: number, count: number) {
    this.#size = size;
    this.#count = count;
  }

  async prepare(): Promise<Preparation> {
    const known = { files: 0, bytes: 0, streams: 0 };
    return { lockRoot: { path: Buffer.from('/'), isLocal: false }, destination: 'nowhere', known, failures: [] };
  }

  async plan(_services: JobServices, sink: PlanSink<PlannedFile>): Promise<void> {
    for (let file = 1; file <= this.#count; file++) {
      const name = String(file);
      await sink.add({ paths: { source: name, target: name }, size: this.#size, isStream: false, replaces: false });
    }
  }

  async open(number: number, { paths, size }: PlannedFile, services: JobServices): Promise<RunningJob> {
    const from = Buffer.from(paths.source);
    const transfer: FileTransfer = {
      name: paths.target,
      size,
      local,
      sides: {
        of: { stage: paths.target },
        fd: -1,
        back: async (ranges: readonly Range[]) => ranges.map(() => DIGEST),
        wrongText: 'are wrong',
        beforeRepeat: async () => {},
      },
      begin: async () => ({
        pieceSize: choosePieceSize(size, UNLIMITED_PIECES, services.options.pieceSize),
        smallestCut: 64 * 1024,
      }),
      command: (task, connection, range) => ({ kind: 'receive', task, connection, fd: -1, from, range }),
      checkUnchanged: async () => {},
      commit: async () => ({ bytes: size, isSizeVerified: true }),
      abandon: () => {},
      close: async () => {},
    };
    return new FileJob(number, services, () => transfer);
  }
}
