/** Journals in a directory of their own, gone when the test ends. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Journal } from '../../../../src/engine/resume/journal.ts';
import type { JournalHeader } from '../../../../src/engine/resume/journal-records.ts';
import type { CopyError } from '../../../../src/errors.ts';
import { makeTempDir } from '../../../support/temp-dir.ts';
import { sampleHeader } from './sample.ts';

export interface JournalScene {
  readonly dir: string;
  /** In a directory that does not exist yet. */
  readonly path: string;
  readonly failures: CopyError[];
  create(header?: JournalHeader): Promise<Journal>;
  open(): Promise<Journal | undefined>;
}

export async function journalScene(): Promise<JournalScene> {
  const dir = await makeTempDir('journal');
  onTestFinished(dir.remove);
  const path = join(dir.path, 'state', 'own', 'j.journal');
  const failures: CopyError[] = [];
  const onFailure = (error: CopyError): void => void failures.push(error);
  return {
    dir: dir.path,
    path,
    failures,
    create: (header = sampleHeader()) => Journal.create(path, header, onFailure),
    open: () => Journal.open(path, onFailure),
  };
}
