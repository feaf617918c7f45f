/** From sources to file jobs: each source gets its target, and no two the same. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { SourceFile } from '../local/local-files.ts';
import type { UploadContext } from '../transfer/transfer-context.ts';
import type { UploadDestination, UploadTarget } from './destination.ts';

export interface Job {
  readonly source: SourceFile;
  readonly target: UploadTarget;
}

/** `failed` is called for each source that has no target. Rejects with what ends the run. */
export async function findJobs(
  run: Pick<UploadContext, 'onConnection' | 'error'>,
  sources: readonly SourceFile[],
  destination: UploadDestination,
  failed: (source: SourceFile, error: CopyError) => void,
): Promise<Job[]> {
  const jobs: Job[] = [];
  const taken = new Map<string, string>();
  for (const source of sources) {
    try {
      const target = await run.onConnection((_, remote) => destination.targetFor(remote, source.name));
      const other = taken.get(target.path.toString('latin1'));
      if (other !== undefined) throw sameTarget(other, cleanText(source.path));
      taken.set(target.path.toString('latin1'), cleanText(source.path));
      jobs.push({ source, target });
    } catch (error) {
      const failure = run.error ?? CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      failed(source, failure);
    }
  }
  return jobs;
}

function sameTarget(one: string, other: string): CopyError {
  return new CopyError('usage', `${one} and ${other} would become the same file.`, {
    scope: 'file',
    advice: 'Copy them to different directories.',
  });
}
