/** Examines the local sources of an upload before any connection is opened. */
import { stat } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { baseName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { openSource, sourceError } from './local-source.ts';
import { attributesOf } from './local-target-files.ts';

export interface SourceFile {
  readonly path: Buffer;
  /** The last component of the path: the name of the file in a target directory. */
  readonly name: Buffer;
  /** Bytes; 0 where the size is not known. */
  readonly size: number;
  /** Whether only reading it to its end tells its size: see `LocalSource`. */
  readonly isStream: boolean;
  readonly attributes: Attributes;
}

export interface SourceDirectory extends Pick<SourceFile, 'path' | 'name' | 'attributes'> {}

export interface FoundSources {
  readonly files: readonly SourceFile[];
  readonly directories: readonly SourceDirectory[];
  /** Sources that were named and cannot be copied. */
  readonly failures: readonly { readonly path: Buffer; readonly error: CopyError }[];
}

/** Links are followed. */
export async function findSources(paths: readonly Uint8Array[]): Promise<FoundSources> {
  const files: SourceFile[] = [];
  const directories: SourceDirectory[] = [];
  const failures: { path: Buffer; error: CopyError }[] = [];
  for (const bytes of paths) {
    const path = Buffer.from(bytes);
    try {
      const found = await look(path);
      if (found.attributes.kind === 'directory') directories.push(found);
      else files.push(found);
    } catch (error) {
      failures.push({ path, error: CopyError.from(error) });
    }
  }
  return { files, directories, failures };
}

async function look(path: Buffer): Promise<SourceFile> {
  const shown = cleanText(path);
  const stats = await stat(path).catch((error: unknown) => {
    throw sourceError(error, shown);
  });
  const attributes = attributesOf(stats);
  const name = baseName(path);
  if (attributes.kind === 'directory') return { path, name, size: 0, isStream: false, attributes };
  if (attributes.kind !== 'file') throw new CopyError('source-unsupported', `${shown} is not a regular file.`);
  // Only a file without blocks can be a stream. Few ordinary files have no blocks, so that most files need not be
  // opened here.
  const isStream = stats.blocks === 0 && (await isStreamAt(path));
  return { path, name, size: isStream ? 0 : stats.size, isStream, attributes };
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
