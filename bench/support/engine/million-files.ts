/** The place for what issue 14 asks of the engine alone: a million files in less than a minute and 250 MB. */
import { SMALL_FILE_BYTES } from './engine-scene.ts';
import { copyGenerated } from './whole-runs.ts';

const MILLION = 1_000_000;

const CONNECTIONS = 10;

/**
 * `GeneratedCopy` plans each file as a job of its own, which is the way of large files. When a direction can say that
 * a file is small, it is to say so, and this row measures the way of small files without a change here.
 */
export function millionFiles(): Promise<void> {
  return copyGenerated(SMALL_FILE_BYTES, MILLION, CONNECTIONS);
}
