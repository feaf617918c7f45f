/** The local sources of an upload, looked at before anything is connected. */
import { stat } from 'node:fs/promises';
import { CopyError } from '../errors.ts';
import { cleanText } from '../util/clean-text.ts';
import { sourceError } from './local-source.ts';
import { baseName } from './remote-path.ts';

export interface SourceFile {
  readonly path: Buffer;
  /** Last component: what it is called in a directory. */
  readonly name: Buffer;
  readonly size: number;
}

export interface FoundSources {
  readonly files: readonly SourceFile[];
  /** What was asked for and cannot be copied. */
  readonly failures: readonly { readonly path: Buffer; readonly error: CopyError }[];
}

/** @throws CopyError `usage` for a directory. */
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
  return { path, name: baseName(path), size: stats.size };
}
