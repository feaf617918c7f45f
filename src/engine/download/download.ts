/**
 * The direction of downloads: files and directories of the server to one local destination. An object serves one run.
 *
 * Sources are looked at many at a time, because each look takes a round trip, and before the plan is told, because the
 * number of connections depends on their sizes.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { baseName, HOME, withoutLastDot } from '../../util/byte-path.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { FileAdmission } from '../connections/file-admission.ts';
import { LOCAL_TARGET_FILES } from '../local/local-target-files.ts';
import { LocalTree } from '../local/local-tree.ts';
import { nameRefusal } from '../local/name-refusal.ts';
import { Destination } from '../transfer/destination.ts';
import type {
  Direction,
  FileResult,
  JobServices,
  PlanSink,
  Preparation,
  RunningJob,
  UnplannedFile,
} from '../transfer/direction.ts';
import { FileJob } from '../transfer/file-job.ts';
import { lookAhead } from '../transfer/look-ahead.ts';
import { type SourceTree, TreePlan } from '../transfer/plan-trees.ts';
import { RemoteTree } from '../transfer/remote-tree.ts';
import { hasSameContents } from '../transfer/same-contents.ts';
import { TakenTargets } from '../transfer/taken-targets.ts';
import { decideNamed, setWanted } from '../transfer/up-to-date.ts';
import { EntryBudget } from '../tree/entry-list.ts';
import { expandGlob, hasGlob } from '../tree/glob.ts';
import type { GlobFiles } from '../tree/glob-walk.ts';
import type { TreeFile } from '../tree/tree-walk.ts';
import { DownloadFile } from './download-file.ts';
import type { DownloadOptions } from './download-options.ts';
import type { PlannedDownload } from './download-plan.ts';
import { LeftPartials } from './left-partials.ts';
import { isRefusedOpen, ReaderLimits } from './reader-limits.ts';
import { statSource } from './remote-source.ts';
import { SmallDownload } from './small-download.ts';

/** Quotes the next character of a pattern. */
const BACKSLASH = 0x5c;
/** Sources that are looked at at once. */
const MAX_LOOKS = 32;

interface FoundSource {
  readonly path: Buffer;
  /** As it was written: dots, or empty, mean the contents of a directory. */
  readonly name: Buffer;
  readonly attributes: Attributes;
}

export class Download implements Direction<PlannedDownload> {
  readonly name = 'download' as const;
  readonly #options: DownloadOptions;
  readonly #files: FoundSource[] = [];
  readonly #directories: SourceTree[] = [];
  #destination: Destination | undefined;
  /** Directories that are missing on the way to the targets are being made, or were. */
  #making: Promise<void> | undefined;
  readonly #left = new LeftPartials();
  #readers: ReaderLimits | undefined;
  #admission: FileAdmission | undefined;
  #small: SmallDownload | undefined;
  #trees: TreePlan | undefined;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  async prepare(access: ConnectionAccess): Promise<Preparation> {
    const failures: UnplannedFile[] = [];
    const sources = await this.#expanded(access, failures);
    const looks = lookAhead(sources, MAX_LOOKS, (source) => lookAt(access, source));
    for await (const found of looks) {
      if ('error' in found) failures.push(found);
      else if (found.attributes.kind === 'directory') this.#directories.push(found);
      else this.#files.push(found);
    }
    const several = this.#files.length + this.#directories.length + failures.length > 1;
    const destination = await Destination.resolve(LOCAL_TARGET_FILES, this.#options.destination, several);
    this.#destination = destination;
    const sizes = this.#files.map(({ attributes }) => attributes.size);
    return {
      lockRoot: { path: destination.root, isLocal: true },
      destination: textFromBytes(destination.path),
      known: { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0), streams: 0 },
      sizes,
      isGrowing: this.#directories.length > 0,
      failures,
    };
  }

  async plan(services: JobServices, sink: PlanSink<PlannedDownload>): Promise<void> {
    await this.#planFiles(sink);
    if (this.#directories.length > 0) await this.#planTrees(services, sink);
  }

  async settled(hasSucceeded: () => boolean): Promise<void> {
    await this.#trees?.settled();
    if (hasSucceeded()) await this.#trees?.succeeded();
  }

  async open(number: number, plan: PlannedDownload, services: JobServices): Promise<RunningJob> {
    await this.#directoriesMade();
    const { options, report, signal } = services;
    this.#readers ??= new ReaderLimits({ retryForMs: options.retryForMs, report, signal });
    this.#admission ??= new FileAdmission({
      purpose: 'read',
      isRefusedOpen,
      notice: (message) => report.notice('fewer-readers', message),
    });
    const { inplace, preserve } = this.#options;
    const shared = { readers: this.#readers, admission: this.#admission, left: this.#left };
    const download = { ...services, ...shared, download: { inplace, preserve } };
    return new FileJob(number, services, (job) => new DownloadFile(number, download, job, plan));
  }

  async copySmall(file: PlannedDownload, connection: number | undefined, services: JobServices): Promise<FileResult> {
    await this.#directoriesMade();
    this.#small ??= new SmallDownload(services, this.#options);
    return this.#small.copy(file, connection);
  }

  async isUpToDate(
    { source, target, size, attributes }: PlannedDownload,
    services: JobServices,
  ): Promise<boolean | undefined> {
    const isSame = await hasSameContents(services, { local: target.path, remote: source, size });
    const wanted = { path: target.path, old: target.old, attributes };
    if (isSame === true) await setWanted(this.#options.trees, new LocalTree('target'), wanted);
    return isSame;
  }

  /** The sources without patterns: what these match is found out by listing. */
  async #expanded(access: ConnectionAccess, failures: UnplannedFile[]): Promise<Buffer[]> {
    const expanded: Buffer[] = [];
    for (const source of this.#options.sources) {
      if (!hasGlob(source) && !source.includes(BACKSLASH)) {
        expanded.push(Buffer.from(source));
        continue;
      }
      try {
        const matches = await expandGlob(source, globFiles(access));
        if (matches.length === 0) {
          const advice = 'Check the pattern; quote it, so that the shell does not expand it here.';
          throw new CopyError('source-missing', `Nothing matches ${cleanText(source)}.`, { advice });
        }
        expanded.push(...matches);
      } catch (error) {
        const failure = CopyError.from(error);
        if (failure.scope === 'run') throw failure;
        failures.push(failed(source, 0, failure));
      }
    }
    return expanded;
  }

  async #planFiles(sink: PlanSink<PlannedDownload>): Promise<void> {
    const { trees } = this.#options;
    const taken = new TakenTargets();
    for (const source of this.#files) {
      if (!trees.filters.allows(textFromBytes(baseName(source.path)), false)) continue;
      const file = await this.#plan(source);
      const clash = 'error' in file ? undefined : taken.take(file.target.path, source.path);
      if ('error' in file) sink.fail(file);
      else if (clash !== undefined) sink.fail(failed(source.path, source.attributes.size, clash));
      else await decideNamed(trees, sink, file, file.attributes, file.target.old);
    }
  }

  async #planTrees(services: JobServices, sink: PlanSink<PlannedDownload>): Promise<void> {
    const { trees } = this.#options;
    if (!trees.isDryRun) await this.#directoriesMade();
    const sides = {
      source: new RemoteTree(services.access, 'source'),
      target: new LocalTree('target'),
      destination: this.#destination!,
      direction: this.name,
      journals: services.journals,
      refuseName: nameRefusal(process.platform),
    };
    this.#trees = new TreePlan(sides, trees, services.report, {
      onFile: (file, isCompared) => sink.add(plannedIn(file, isCompared)),
      onSkipped: (paths, size) => sink.skip({ paths, size }),
      onMade: (paths) => sink.made(paths),
      onWouldRemove: (path, size) => sink.wouldRemove(textFromBytes(path), size),
      onFailed: (file) => sink.fail(file),
    });
    await this.#trees.plan(this.#directories);
  }

  #directoriesMade(): Promise<void> {
    this.#making ??= this.#destination!.prepare(LOCAL_TARGET_FILES);
    return this.#making;
  }

  async #plan({ path, attributes }: FoundSource): Promise<PlannedDownload | UnplannedFile> {
    try {
      const target = await this.#destination!.targetFor(LOCAL_TARGET_FILES, baseName(path));
      const paths = { source: textFromBytes(path), target: textFromBytes(target.path) };
      const { size } = attributes;
      return { paths, size, isStream: false, replaces: target.old !== undefined, source: path, attributes, target };
    } catch (error) {
      return failed(path, attributes.size, CopyError.from(error));
    }
  }
}

function plannedIn({ source, attributes, target, old, directory }: TreeFile, isCompared: boolean): PlannedDownload {
  return {
    paths: { source: textFromBytes(source), target: textFromBytes(target) },
    size: attributes.size,
    isStream: false,
    replaces: old !== undefined,
    directory,
    isCompared,
    source,
    attributes,
    target: { path: target, old },
  };
}

/** What is on the server, for patterns. */
function globFiles(access: ConnectionAccess): GlobFiles {
  const tree = new RemoteTree(access, 'source');
  return {
    lookAt: async (path) => {
      const found = await tree.stat(Buffer.from(path));
      return found && (found.kind === 'directory' ? 'directory' : 'other');
    },
    async *names(directory) {
      const list = await tree.list(Buffer.from(directory), { budget: new EntryBudget() });
      for (let index = 0; index < list.length; index++) yield list.name(index);
    },
  };
}

async function lookAt(access: ConnectionAccess, path: Buffer): Promise<FoundSource | UnplannedFile> {
  const shown = path.length === 0 ? 'The home directory' : cleanText(path);
  try {
    const looked = path.length === 0 ? HOME : withoutLastDot(path);
    const attributes = await access.withConnection((_, remote) => statSource(remote, looked));
    if (attributes === undefined) throw new CopyError('source-missing', `${shown} does not exist.`);
    if (attributes.kind !== 'file' && attributes.kind !== 'directory') {
      throw new CopyError('source-unsupported', `${shown} is not a regular file, but a device, a pipe or a socket.`);
    }
    return { path: looked, name: baseName(path), attributes };
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope === 'run') throw failure;
    return failed(path, 0, failure);
  }
}

function failed(path: Uint8Array, size: number, error: CopyError): UnplannedFile {
  return { paths: { source: textFromBytes(path), target: '' }, size, isStream: false, error };
}
