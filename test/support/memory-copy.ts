/** A direction for tests: copies files of any number from memory to memory. */
import { createHash } from 'node:crypto';
import { LocalDigests } from '../../src/engine/local/local-digests.ts';
import { choosePieceSize, UNLIMITED_PIECES } from '../../src/engine/schedule/grid.ts';
import type {
  Direction,
  JobServices,
  PlannedFile,
  PlanSink,
  Preparation,
  RunningJob,
} from '../../src/engine/transfer/direction.ts';
import { FileJob } from '../../src/engine/transfer/file-job.ts';
import type { FileTransfer } from '../../src/engine/transfer/file-transfer.ts';
import type { DigestAlgorithm, Range } from '../../src/remotes/remote.ts';

export interface MemoryCopyFile extends PlannedFile {
  readonly bytes: Buffer;
}

export function fileOf(name: string, bytes: Buffer): MemoryCopyFile {
  return { paths: { source: name, target: name }, size: bytes.length, isStream: false, replaces: false, bytes };
}

export class MemoryCopy implements Direction<MemoryCopyFile> {
  readonly name = 'download';
  readonly sources: Map<string, Buffer> = new Map();
  readonly targets: Map<string, Buffer> = new Map();
  readonly committed: string[] = [];
  readonly #files: () => AsyncIterable<MemoryCopyFile>;

  constructor(files: () => AsyncIterable<MemoryCopyFile>) {
    this.#files = files;
  }

  async prepare(): Promise<Preparation> {
    const known = { files: 0, bytes: 0, streams: 0 };
    return { lockRoot: { path: Buffer.from('/'), isLocal: false }, destination: 'memory', known, failures: [] };
  }

  async plan(_services: JobServices, sink: PlanSink<MemoryCopyFile>): Promise<void> {
    for await (const file of this.#files()) await sink.add(file);
  }

  async open(
    number: number,
    { bytes, paths: { target: name } }: MemoryCopyFile,
    services: JobServices,
  ): Promise<RunningJob> {
    const there = Buffer.alloc(bytes.length);
    this.sources.set(name, bytes);
    this.targets.set(name, there);
    const from = Buffer.from(name);
    const transfer: FileTransfer = {
      name,
      size: bytes.length,
      local: new MemoryDigests(bytes),
      sides: {
        of: { stage: name },
        fd: -1,
        back: async (ranges, by) => digests(there, ranges, by),
        wrongText: 'are wrong',
        beforeRepeat: async () => {},
      },
      begin: async () => ({
        pieceSize: choosePieceSize(bytes.length, UNLIMITED_PIECES, services.options.pieceSize),
        smallestCut: 64 * 1024,
      }),
      command: (task, connection, range) => ({ kind: 'receive', task, connection, fd: -1, from, range }),
      checkUnchanged: async () => {},
      commit: async () => {
        this.committed.push(name);
        return { bytes: bytes.length, isSizeVerified: true };
      },
      abandon: () => {},
      close: async () => void this.sources.delete(name),
    };
    return new FileJob(number, services, () => transfer);
  }

  /** For a runner: carries a range of the file of this name. */
  copy(name: string, { offset, length }: Range): void {
    this.sources.get(name)!.copy(this.targets.get(name)!, offset, offset, offset + length);
  }
}

class MemoryDigests extends LocalDigests {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super(async () => {});
    this.#bytes = bytes;
  }

  override async digest(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    return digests(this.#bytes, [range], algorithm)[0]!;
  }
}

function digests(bytes: Buffer, ranges: readonly Range[], algorithm: DigestAlgorithm): Buffer[] {
  const digest = ({ offset, length }: Range): Buffer =>
    createHash(algorithm)
      .update(bytes.subarray(offset, offset + length))
      .digest();
  return ranges.map(digest);
}
