/** Decides by the attributes of both sides whether a file has to be copied. */
import type { Attributes } from '../../remotes/remote.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { isSameSecond } from '../tree/tree-directory.ts';
import type { TreeSide } from '../tree/tree-side.ts';
import type { PlannedFile, PlanSink } from './direction.ts';
import { MAX_SMALL_FILE } from './small-file-lane.ts';

/** What the user has said about files that exist at the target. */
export interface UpToDateOptions {
  /** Contents are compared whatever the times are. */
  readonly checksum: boolean;
  /** Every file is copied. */
  readonly force: boolean;
  /** No file that exists is replaced. */
  readonly ignoreExisting: boolean;
  /** Whether the target gets the time of the source. */
  readonly preserve: boolean;
}

/** `compare`: it is up to date if the contents are the same. */
export type Decision = 'copy' | 'skip' | 'compare';

/**
 * `isSmall`: whether comparing takes less than copying. Of a long file, a copy sends only what differs, so that its
 * contents are compared first only where its time at the target may not be that of its source: where times are not kept
 * a target is newer than its source.
 */
export function decide(
  { checksum, force, ignoreExisting, preserve }: UpToDateOptions,
  source: Attributes,
  old: Attributes | undefined,
  isSmall: boolean,
): Decision {
  if (old === undefined || force) return 'copy';
  if (ignoreExisting) return 'skip';
  // A link that is to be replaced by a file: nothing that is asked of it is about a file here.
  if (old.kind !== 'file') return 'copy';
  if (old.size !== source.size) return 'copy';
  if (checksum) return 'compare';
  if (isSameSecond(old.mtimeMs, source.mtimeMs)) return 'skip';
  if (isSmall || !preserve) return 'compare';
  return (old.mtimeMs ?? 0) > (source.mtimeMs ?? 0) ? 'compare' : 'copy';
}

/** Passes a file that was named itself to `sink`, unless it is up to date. */
export async function decideNamed<File extends PlannedFile>(
  options: UpToDateOptions,
  sink: PlanSink<File>,
  file: File,
  source: Attributes,
  old: Attributes | undefined,
): Promise<void> {
  // Nothing is known of a source that has to be read to its end.
  const decision = file.isStream ? 'copy' : decide(options, source, old, source.size <= MAX_SMALL_FILE);
  if (decision === 'skip') sink.skip(file);
  else await sink.add(decision === 'compare' ? { ...file, isCompared: true } : file);
}

export interface UpToDateTarget {
  readonly path: Buffer;
  readonly old: Attributes | undefined;
  /** Of the source. */
  readonly attributes: Attributes;
}

/**
 * The permission bits that `old` has to get; undefined: it has them, or one side does not tell. Other bits, such as
 * setgid, stay as they are.
 */
export function modeToSet({ mode }: Attributes, old: Attributes | undefined): number | undefined {
  if (mode === undefined || old?.mode === undefined || old.kind !== 'file') return undefined;
  const wanted = mode & PERMISSION_BITS;
  return (old.mode & PERMISSION_BITS) === wanted ? undefined : wanted;
}

/** Gives a target with the right contents the mode and time of its source, where that is wanted and not so. */
export async function setWanted(
  { preserve, isDryRun }: Pick<UpToDateOptions, 'preserve'> & { readonly isDryRun: boolean },
  side: Pick<TreeSide, 'setAttributes'>,
  { path, old, attributes }: UpToDateTarget,
): Promise<void> {
  if (!preserve || isDryRun) return;
  const mode = modeToSet(attributes, old);
  const { mtimeMs } = attributes;
  const isTimeRight = mtimeMs === undefined || isSameSecond(old?.mtimeMs, mtimeMs);
  if (mode !== undefined) await side.setAttributes(path, { mode });
  if (!isTimeRight) await side.setAttributes(path, { mtimeMs });
}
