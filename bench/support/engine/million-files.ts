/**
 * The engine alone with a million small files: a tree that exists nowhere is walked, planned and copied to a remote in
 * memory that keeps nothing. Everything but the disk, the line and the server is what a copy of a tree needs.
 */
import { Counters } from '../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../src/engine/runner/local-runner.ts';
import { Destination } from '../../../src/engine/transfer/destination.ts';
import type {
  Direction,
  FileResult,
  JobServices,
  PlannedFile,
  PlanSink,
  Preparation,
  RunningJob,
} from '../../../src/engine/transfer/direction.ts';
import { TreePlan } from '../../../src/engine/transfer/plan-trees.ts';
import { transferWhole } from '../../../src/engine/transfer/small-transfer.ts';
import { TransferRun } from '../../../src/engine/transfer/transfer-run.ts';
import { EntryList } from '../../../src/engine/tree/entry-list.ts';
import type { ListOptions, TreeSide } from '../../../src/engine/tree/tree-side.ts';
import { CopyError } from '../../../src/errors.ts';
import type { Attributes } from '../../../src/remotes/remote.ts';
import { textFromBytes } from '../../../src/util/bytes-text.ts';
import { COPY_ALL } from '../../../test/support/tree-options.ts';
import { SMALL_FILE_BYTES } from './engine-scene.ts';
import { UnkeptBytes } from './unkept-bytes.ts';
import { OPTIONS } from './whole-runs.ts';

const DIRECTORIES = 1000;
const FILES_IN_EACH = 1000;
const CONNECTIONS = 10;
const DIRECTORY: Attributes = { kind: 'directory', size: 0, mode: 0o755, mtimeMs: 1_600_000_000_000 };
const FILE: Attributes = { kind: 'file', size: SMALL_FILE_BYTES, mode: 0o644, mtimeMs: 1_600_000_000_000 };
const SOURCE = Buffer.from('/source');

interface SmallFile extends PlannedFile {
  readonly target: Buffer;
}

/** A side on which `list` says what is there, and nothing can be changed that anybody would see. */
function side(list: (path: Buffer, entries: EntryList) => void, found: Attributes | undefined): TreeSide {
  const nothing = async (): Promise<void> => {};
  return {
    isLocal: true,
    list: async (path: Buffer, { budget }: ListOptions) => {
      const entries = new EntryList(budget);
      list(path, entries);
      return entries;
    },
    stat: async () => found,
    lstat: async () => found,
    realPath: async (path) => path,
    makeDirectory: nothing,
    setAttributes: nothing,
    readLink: async (path) => path,
    makeLink: nothing,
    remove: nothing,
    syncDirectory: nothing,
  };
}

function listSource(path: Buffer, entries: EntryList): void {
  const isRoot = path.equals(SOURCE);
  const count = isRoot ? DIRECTORIES : FILES_IN_EACH;
  for (let index = 0; index < count; index++) entries.add(Buffer.from(`entry ${index}`), isRoot ? DIRECTORY : FILE);
}

class MillionFiles implements Direction<SmallFile> {
  readonly name = 'upload';
  readonly #target: TreeSide = side(() => {}, undefined);
  readonly #bytes: Buffer = Buffer.alloc(SMALL_FILE_BYTES);
  #trees: TreePlan | undefined;

  async prepare(): Promise<Preparation> {
    const known = { files: 0, bytes: 0, streams: 0 };
    const lockRoot = { path: Buffer.from('/'), isLocal: false };
    return { lockRoot, destination: '/there', known, isGrowing: true, failures: [] };
  }

  async plan({ report }: JobServices, sink: PlanSink<SmallFile>): Promise<void> {
    const target = this.#target;
    const files = { ...target, realPath: async (path: Uint8Array) => path } as Parameters<
      typeof Destination.resolve
    >[0];
    const destination = await Destination.resolve(files, Buffer.from('/there'), false);
    const sides = { source: side(listSource, DIRECTORY), target, destination };
    const more = { direction: this.name, journals: undefined, refuseName: undefined } as const;
    this.#trees = new TreePlan({ ...sides, ...more }, COPY_ALL, report, {
      onFile: ({ source, attributes: { size }, target: path, directory }) => {
        const paths = { source: textFromBytes(source), target: textFromBytes(path) };
        return sink.add({ paths, size, isStream: false, replaces: false, directory, target: path });
      },
      onSkipped: () => {},
      onMade: () => {},
      onWouldRemove: () => {},
      onFailed: (file) => sink.fail(file),
    });
    await this.#trees.plan([{ path: SOURCE, name: Buffer.from('source'), attributes: DIRECTORY }]);
  }

  async settled(): Promise<void> {
    await this.#trees?.settled();
  }

  async open(): Promise<RunningJob> {
    throw new CopyError('bug', 'All files are small.');
  }

  async copySmall({ target }: SmallFile, connection: number | undefined, services: JobServices): Promise<FileResult> {
    const { length: size } = this.#bytes;
    const final = { size, mode: 0o644, mtimeMs: FILE.mtimeMs!, syncs: true };
    await transferWhole(services, size, connection, async (remote) => {
      const { token, seal } = await remote.stageWhole(target, this.#bytes, final);
      await remote.publish(token, seal, { replaces: 'nothing' });
    });
    return { bytes: size, isSizeVerified: true, verified: { byDigest: 0, byReadBack: 0 } };
  }
}

export async function millionFiles(): Promise<void> {
  const counters = new Counters();
  const remote = new UnkeptBytes(SMALL_FILE_BYTES);
  const options = { ...OPTIONS, verify: 'size' as const, wanted: CONNECTIONS };
  const run = new TransferRun(new LocalRunner(remote, counters), counters, new MillionFiles(), options, () => {});
  const { filesDone, error } = await run.run(new AbortController().signal);
  if (filesDone !== DIRECTORIES * FILES_IN_EACH) throw error ?? new Error(`Only ${filesDone} files were copied`);
}
