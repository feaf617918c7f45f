/** Examines the local sources of an upload before any connection is opened. */
import { stat } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import { baseName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { openSource, sourceError } from './local-source.ts';

export interface SourceFile {
  readonly path: Buffer;
  /** The last component of the path: the name of the file in a target directory. */
  readonly name: Buffer;
  /** Bytes; 0 where the size is not known. */
  readonly size: number;
  /** Whether only reading it to its end tells its size: see `LocalSource`. */
  readonly isStream: boolean;
}

export interface FoundSources {
  readonly files: readonly SourceFile[];
  /** Sources that were named and cannot be copied. */
  readonly failures: readonly { readonly path: Buffer; readonly error: CopyError }[];
}

/** @throws {CopyError} `usage`: a source is a directory */
export async function findSources(paths: readonly Uint8Array[]): Promise<FoundSources> {
  const files: SourceFile[] = [];
  const failures: { path: Buffer; error: CopyError }[] = [];
  for (const bytes of paths) {
    const path = Buffer.from(bytes);
    try {
      files.push(await look(path));
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      failures.push({ path, error: failure });
    }
  }
  return { files, failures };
}

async function look(path: Buffer): Promise<SourceFile> {
  const shown = cleanText(path);
  const stats = await stat(path).catch((error: unknown) => {
    throw sourceError(error, shown);
  });
  if (stats.isDirectory()) {
    throw new CopyError('usage', `${shown} is a directory; only files can be copied so far.`, {
      advice: 'Name the files, or pack the directory into one.',
    });
  }
  if (!stats.isFile()) throw new CopyError('source-unsupported', `${shown} is not a regular file.`);
  // Only a file without blocks can be a stream. Few ordinary files have no blocks, so that most files need not be
  // opened here.
  const isStream = stats.blocks === 0 && (await isStreamAt(path));
  return { path, name: baseName(path), size: isStream ? 0 : stats.size, isStream };
}

/** False where the file cannot be opened or read: that is reported when the file is to be sent. */
async function isStreamAt(path: Buffer): Promise<boolean> {
  try {
    const source = await openSource(path);
    await source.close();
    return source.isStream;
  } catch {
    return false;
  }
}
