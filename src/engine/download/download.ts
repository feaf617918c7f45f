/**
 * The direction of downloads: files of the server to one local destination. An object serves one run.
 *
 * Sources are looked at many at a time, because each look takes a round trip, and before the plan is told, because the
 * number of connections depends on their sizes.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { baseName, isDots } from '../../util/byte-path.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { FileAdmission } from '../connections/file-admission.ts';
import { LOCAL_TARGET_FILES } from '../local/local-target-files.ts';
import { Destination } from '../transfer/destination.ts';
import type { Direction, JobServices, Preparation, RunningJob, UnplannedFile } from '../transfer/direction.ts';
import { FileJob } from '../transfer/file-job.ts';
import { lookAhead } from '../transfer/look-ahead.ts';
import { TakenTargets } from '../transfer/taken-targets.ts';
import { DownloadFile } from './download-file.ts';
import type { DownloadOptions } from './download-options.ts';
import type { PlannedDownload } from './download-plan.ts';
import { LeftPartials } from './left-partials.ts';
import { isRefusedOpen, ReaderLimits } from './reader-limits.ts';
import { statSource } from './remote-source.ts';

/** Sources that are looked at at once. */
const MAX_LOOKS = 32;

interface FoundSource {
  readonly path: Uint8Array;
  readonly attributes: Attributes;
}

export class Download implements Direction<PlannedDownload> {
  readonly name = 'download';
  readonly #options: DownloadOptions;
  readonly #found: FoundSource[] = [];
  #destination: Destination | undefined;
  /** Directories that are missing on the way to the targets are being made, or were. */
  #making: Promise<void> | undefined;
  readonly #left = new LeftPartials();
  #readers: ReaderLimits | undefined;
  #admission: FileAdmission | undefined;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  async prepare(access: ConnectionAccess): Promise<Preparation> {
    const { sources, destination: path } = this.#options;
    const failures: UnplannedFile[] = [];
    const looks = lookAhead(sources, MAX_LOOKS, (source) => lookAt(access, source));
    for await (const found of looks) {
      if ('error' in found) failures.push(found);
      else this.#found.push(found);
    }
    const destination = await Destination.resolve(LOCAL_TARGET_FILES, path, sources.length > 1);
    this.#destination = destination;
    const bytes = this.#found.reduce((sum, { attributes }) => sum + attributes.size, 0);
    return {
      lockRoot: { path: destination.root, isLocal: true },
      destination: textFromBytes(destination.path),
      known: { files: this.#found.length, bytes, streams: 0 },
      sizes: this.#found.map(({ attributes }) => attributes.size),
      failures,
    };
  }

  async *files(): AsyncGenerator<PlannedDownload | UnplannedFile, void, undefined> {
    const taken = new TakenTargets();
    for (const source of this.#found) {
      const file = await this.#plan(source);
      const clash = 'error' in file ? undefined : taken.take(file.target.path, source.path);
      yield clash === undefined ? file : failed(source.path, source.attributes.size, clash);
    }
  }

  async open(number: number, plan: PlannedDownload, services: JobServices): Promise<RunningJob> {
    this.#making ??= this.#destination!.prepare(LOCAL_TARGET_FILES);
    await this.#making;
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

async function lookAt(access: ConnectionAccess, path: Uint8Array): Promise<FoundSource | UnplannedFile> {
  const shown = path.length === 0 ? 'The home directory' : cleanText(path);
  try {
    const looked = path.length === 0 ? Buffer.from('.') : path;
    const attributes = await access.withConnection((_, remote) => statSource(remote, looked));
    if (attributes === undefined) throw new CopyError('source-missing', `${shown} does not exist.`);
    if (attributes.kind === 'directory' || isDots(baseName(path))) {
      throw new CopyError('source-unsupported', `${shown} is a directory; only files can be copied so far.`, {
        advice: 'Name the files, or pack the directory into one.',
      });
    }
    if (attributes.kind !== 'file') {
      throw new CopyError('source-unsupported', `${shown} is not a regular file, but a device, a pipe or a socket.`);
    }
    return { path, attributes };
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope === 'run') throw failure;
    return failed(path, 0, failure);
  }
}

function failed(path: Uint8Array, size: number, error: CopyError): UnplannedFile {
  return { paths: { source: textFromBytes(path), target: '' }, size, isStream: false, error };
}
