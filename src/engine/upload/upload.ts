/**
 * The direction of uploads: from local files to one destination on the server. An object serves one run.
 *
 * The server is asked about the targets ahead of the file jobs, many at a time, because each question takes a round
 * trip. The targets of all sources are kept until the end of the run, so that no two sources get the same target.
 */
import { CopyError } from '../../errors.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { FileAdmission } from '../connections/file-admission.ts';
import type { FoundSources, SourceFile } from '../local/local-files.ts';
import { Destination } from '../transfer/destination.ts';
import type { Direction, JobServices, Preparation, RunningJob, UnplannedFile } from '../transfer/direction.ts';
import { lookAhead } from '../transfer/look-ahead.ts';
import { TakenTargets } from '../transfer/taken-targets.ts';
import { examineDirectoryFailure } from './failures/examine-failure.ts';
import { openUpload } from './open-upload.ts';
import { isRefusedOpen } from './refused-open.ts';
import type { UploadOptions } from './upload-options.ts';
import { type PlannedUpload, uploadPlanOf } from './upload-plan.ts';
import { Writers } from './writers.ts';

/** Targets that the server is asked about at the same time. */
const MAX_LOOKS = 32;

export class Upload implements Direction<PlannedUpload> {
  readonly name = 'upload';
  readonly #sources: FoundSources;
  readonly #options: UploadOptions;
  #destination: Destination | undefined;
  /** The creation of missing directories, once it has begun. */
  #making: Promise<void> | undefined;
  #writers: Writers | undefined;
  #admission: FileAdmission | undefined;

  constructor(sources: FoundSources, options: UploadOptions) {
    this.#sources = sources;
    this.#options = options;
  }

  async prepare(access: ConnectionAccess): Promise<Preparation> {
    const { files, failures } = this.#sources;
    const several = files.length + failures.length > 1;
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
      failures: failures.map(({ path, error }) => failed({ path, size: 0, isStream: false }, error)),
    };
  }

  async *files(access: ConnectionAccess): AsyncGenerator<PlannedUpload | UnplannedFile, void, undefined> {
    const taken = new TakenTargets();
    for await (const file of lookAhead(this.#sources.files, MAX_LOOKS, (source) => this.#plan(access, source))) {
      if ('error' in file) {
        yield file;
        continue;
      }
      const clash = taken.take(file.target.path, file.source.path);
      yield clash === undefined ? file : failed(file.source, clash);
    }
  }

  async open(number: number, file: PlannedUpload, services: JobServices): Promise<RunningJob> {
    this.#making ??= this.#makeDirectories(services);
    await this.#making;
    this.#admission ??= new FileAdmission({
      purpose: 'write',
      isRefusedOpen,
      notice: (message) => services.report.notice('fewer-writers', message),
    });
    const upload = { ...this.#options, writers: this.#writersOf(services), admission: this.#admission };
    return openUpload(number, uploadPlanOf(file), { ...services, upload });
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

function shown({ size, isStream }: Pick<SourceFile, 'size' | 'isStream'>): Pick<SourceFile, 'size' | 'isStream'> {
  return { size, isStream };
}

function failed(source: Pick<SourceFile, 'path' | 'size' | 'isStream'>, error: CopyError): UnplannedFile {
  return { ...shown(source), paths: { source: textFromBytes(source.path), target: '' }, error };
}
