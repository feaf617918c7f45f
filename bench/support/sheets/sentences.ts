import type { Direction } from '../direction.ts';
import type { SceneFacts } from '../scene-results.ts';

/** Sizes as design and programs print them: powers of 1024. */
export function mib(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${bytes / 2 ** 20} MiB`;
}

/** Beside ours, which has many; to be continued or ended by the caller. */
export function connectionsOfOthers(direction: Direction): string {
  return direction === 'up' ? 'the others have one' : 'lftp (`pget -n`) and rclone have as many, scp and sftp have one';
}

export function landingSentence(landsIn: 'memory' | 'disk' | undefined): string {
  return landsIn === 'memory' ? 'It lands in memory, so that no disk is measured.' : 'It lands on a disk.';
}

/** What is copied where it is a tree; the sizes of the files are for the caller to add. */
export function treeWords({ files = 0, directories = 0 }: Pick<SceneFacts, 'files' | 'directories'>): string {
  return `tree of ${directories.toLocaleString('en')} directories with ${files.toLocaleString('en')} files`;
}

/** Where the others may not take as long as they like. */
export const CUT_OFF_SENTENCE = 'What is marked with > took longer than it was given, and was ended.';
