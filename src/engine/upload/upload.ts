/**
 * The direction of uploads: from local files and directories to one destination on the server. An object serves one run.
 *
 * The server is asked about the targets ahead of the file jobs, many at a time, because each question takes a round
 * trip. The targets of all named sources are kept until the end of the run, so that no two sources get the same target.
 */
import { CopyError } from '../../errors.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { FileAdmission } from '../connections/file-admission.ts';
import type { FoundSources, SourceFile } from '../local/local-files.ts';
import { LocalTree } from '../local/local-tree.ts';
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
import { lookAhead } from '../transfer/look-ahead.ts';
import { TreePlan } from '../transfer/plan-trees.ts';
import { RemoteTree } from '../transfer/remote-tree.ts';
import { hasSameContents } from '../transfer/same-contents.ts';
import { TakenTargets } from '../transfer/taken-targets.ts';
import { decideNamed, setWanted } from '../transfer/up-to-date.ts';
import type { TreeFile } from '../tree/tree-walk.ts';
import { examineDirectoryFailure } from './failures/examine-failure.ts';
import { openUpload } from './open-upload.ts';
import { isRefusedOpen } from './refused-open.ts';
import { SmallUpload } from './small-upload.ts';
import type { UploadOptions } from './upload-options.ts';
import { type PlannedUpload, uploadPlanOf } from './upload-plan.ts';
import { Writers } from './writers.ts';

/** Targets that the server is asked about at the same time. */
const MAX_LOOKS = 32;

export class Upload implements Direction<PlannedUpload> {
  readonly name = 'upload' as const;
  readonly #sources: FoundSources;
  readonly #options: UploadOptions;
  #destination: Destination | undefined;
  /** The creation of missing directories, once it has begun. */
  #making: Promise<void> | undefined;
  #writers: Writers | undefined;
  #admission: FileAdmission | undefined;
  #small: SmallUpload | undefined;
  #trees: TreePlan | undefined;

  constructor(sources: FoundSources, options: UploadOptions) {
    this.#sources = sources;
    this.#options = options;
  }

  async prepare(access: ConnectionAccess): Promise<Preparation> {
    const { files, directories, failures } = this.#sources;
    const several = files.length + directories.length + failures.length > 1;
    const destination = await access.withConnection((_, remote) =>
      Destination.resolve(remote, this.#options.destination, several),
    );
    this.#destination = destination;
    return {
      lockRoot: { path: destination.root, isLocal: false },
      destination: textFromBytes(destination.path),
      known: {
        files: files.length,
        bytes: files.reduce((sum, { size }) => sum + size, 0),
        streams: files.filter(({ isStream }) => isStream).length,
      },
      isGrowing: directories.length > 0,
      failures: failures.map(({ path, error }) => failed({ path, size: 0, isStream: false }, error)),
    };
  }

  async plan(services: JobServices, sink: PlanSink<PlannedUpload>): Promise<void> {
    await this.#planFiles(services.access, sink);
    if (this.#sources.directories.length > 0) await this.#planTrees(services, sink);
  }

  async settled(hasSucceeded: () => boolean): Promise<void> {
    await this.#trees?.settled();
    if (hasSucceeded()) await this.#trees?.succeeded();
  }

  async open(number: number, file: PlannedUpload, services: JobServices): Promise<RunningJob> {
    await this.#directoriesMade(services);
    this.#admission ??= new FileAdmission({
      purpose: 'write',
      isRefusedOpen,
      notice: (message) => services.report.notice('fewer-writers', message),
    });
    const upload = { ...this.#options, writers: this.#writersOf(services), admission: this.#admission };
    return openUpload(number, uploadPlanOf(file), { ...services, upload });
  }

  async copySmall(file: PlannedUpload, connection: number | undefined, services: JobServices): Promise<FileResult> {
    await this.#directoriesMade(services);
    this.#small ??= new SmallUpload(services, this.#options);
    return this.#small.copy(file, connection);
  }

  async isUpToDate({ source, target }: PlannedUpload, services: JobServices): Promise<boolean | undefined> {
    const { path, size, attributes } = source;
    const isSame = await hasSameContents(services, { local: path, remote: target.path, size });
    const side = new RemoteTree(services.access, 'target');
    if (isSame === true) await setWanted(this.#options.trees, side, { path: target.path, old: target.old, attributes });
    return isSame;
  }

  async #planFiles(access: ConnectionAccess, sink: PlanSink<PlannedUpload>): Promise<void> {
    const { trees } = this.#options;
    const taken = new TakenTargets();
    const wanted = this.#sources.files.filter(({ name }) => trees.filters.allows(textFromBytes(name), false));
    for await (const file of lookAhead(wanted, MAX_LOOKS, (source) => this.#plan(access, source))) {
      if ('error' in file) {
        sink.fail(file);
        continue;
      }
      const clash = taken.take(file.target.path, file.source.path);
      if (clash !== undefined) sink.fail(failed(file.source, clash));
      else await decideNamed(trees, sink, file, file.source.attributes, file.target.old);
    }
  }

  async #planTrees(services: JobServices, sink: PlanSink<PlannedUpload>): Promise<void> {
    const { trees } = this.#options;
    if (!trees.isDryRun) await this.#directoriesMade(services);
    const sides = {
      source: new LocalTree('source'),
      target: new RemoteTree(services.access, 'target'),
      destination: this.#destination!,
      direction: this.name,
      journals: services.journals,
      refuseName: undefined,
    };
    this.#trees = new TreePlan(sides, trees, services.report, {
      onFile: (file, isCompared) => sink.add(plannedIn(file, isCompared)),
      onSkipped: (paths, size) => sink.skip({ paths, size }),
      onMade: (paths) => sink.made(paths),
      onWouldRemove: (path, size) => sink.wouldRemove(textFromBytes(path), size),
      onFailed: (file) => sink.fail(file),
    });
    await this.#trees.plan(this.#sources.directories);
  }

  /** @throws {CopyError} scope `run`: no target can be found */
  async #plan(access: ConnectionAccess, source: SourceFile): Promise<PlannedUpload | UnplannedFile> {
    try {
      const target = await access.withConnection((_, remote) => this.#destination!.targetFor(remote, source.name));
      const paths = { source: textFromBytes(source.path), target: textFromBytes(target.path) };
      return { ...shown(source), paths, replaces: target.old !== undefined, source, target };
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      return failed(source, failure);
    }
  }

  #directoriesMade(services: JobServices): Promise<void> {
    this.#making ??= this.#makeDirectories(services);
    return this.#making;
  }

  async #makeDirectories({ access, signal }: JobServices): Promise<void> {
    const destination = this.#destination!;
    try {
      await access.withConnection((_, remote) => destination.prepare(remote));
    } catch (error) {
      signal.throwIfAborted();
      const refusal = CopyError.from(error);
      throw refusal.scope === 'run' ? refusal : await examineDirectoryFailure(access, destination.path, refusal);
    }
  }

  #writersOf({ report, pool, dispatcher }: JobServices): Writers {
    this.#writers ??= new Writers((known, reason) => {
      if (known === 'one' && pool.wanted > 1) {
        const why = cleanText(reason ?? 'the server allows no more').replace(/\.$/, '');
        report.notice('single-writer', `One connection writes each file: ${why}.`);
      }
      dispatcher.dispatch();
    });
    return this.#writers;
  }
}

function plannedIn({ source: path, attributes, target, old, directory }: TreeFile, isCompared: boolean): PlannedUpload {
  const { size } = attributes;
  return {
    paths: { source: textFromBytes(path), target: textFromBytes(target) },
    size,
    isStream: false,
    replaces: old !== undefined,
    directory,
    isCompared,
    source: { path, name: path, size, isStream: false, attributes },
    target: { path: target, old },
  };
}

function shown({ size, isStream }: Pick<SourceFile, 'size' | 'isStream'>): Pick<SourceFile, 'size' | 'isStream'> {
  return { size, isStream };
}

function failed(source: Pick<SourceFile, 'path' | 'size' | 'isStream'>, error: CopyError): UnplannedFile {
  return { ...shown(source), paths: { source: textFromBytes(source.path), target: '' }, error };
}
