/** How many connections are opened for files of given sizes. */
import { MAX_CONNECTIONS } from '../runner/counters.ts';
import { choosePieceSize, pieceCount, UNLIMITED_PIECES } from '../schedule/grid.ts';

/** More than this are opened only if a number is asked for. */
const AUTO_CONNECTIONS = 10;
const BYTES_A_CONNECTION = 4 * 1024 * 1024;
const SMALL_FILES_A_CONNECTION = 50;

export interface WantedOptions {
  /** A maximum; `auto`: by what there is to copy. */
  readonly connections: number | 'auto';
  readonly pieceSize: number | 'auto';
}

/** What there is to copy, as far as the number of connections depends on it. */
export interface ToCopy {
  readonly bytes: number;
  readonly pieces: number;
  readonly smallFiles: number;
}

export const NOTHING_TO_COPY: ToCopy = { bytes: 0, pieces: 0, smallFiles: 0 };

/** The same with one more file. */
export function withFile(
  { bytes, pieces, smallFiles }: ToCopy,
  size: number,
  { pieceSize }: Pick<WantedOptions, 'pieceSize'>,
): ToCopy {
  const more = Math.max(1, pieceCount(size, choosePieceSize(size, UNLIMITED_PIECES, pieceSize)));
  return {
    bytes: bytes + size,
    pieces: pieces + more,
    smallFiles: smallFiles + (size <= BYTES_A_CONNECTION ? 1 : 0),
  };
}

/** Never more than the files have pieces, and at least one. */
export function connectionsFor({ connections }: Pick<WantedOptions, 'connections'>, toCopy: ToCopy): number {
  const { bytes, pieces, smallFiles } = toCopy;
  const useful = Math.ceil(bytes / BYTES_A_CONNECTION) + Math.ceil(smallFiles / SMALL_FILES_A_CONNECTION);
  const wanted = connections === 'auto' ? Math.min(AUTO_CONNECTIONS, useful) : connections;
  return possible(Math.min(wanted, pieces));
}

/** {@link connectionsFor} files of these sizes, in bytes. */
export function wantedConnections(options: WantedOptions, sizes: readonly number[]): number {
  return connectionsFor(
    options,
    sizes.reduce((sum, size) => withFile(sum, size, options), NOTHING_TO_COPY),
  );
}

/** The most connections that files of any sizes may want. */
export function mostConnections({ connections }: Pick<WantedOptions, 'connections'>): number {
  return possible(connections === 'auto' ? AUTO_CONNECTIONS : connections);
}

/**
 * How many connections are opened while the sizes are not known: those that the user asks for, because each takes many
 * round trips, and otherwise one.
 */
export function connectionsBeforeSizes({ connections }: Pick<WantedOptions, 'connections'>): number {
  return connections === 'auto' ? 1 : possible(connections);
}

/** At least one, also where `count` is no number. */
function possible(count: number): number {
  return Math.max(1, Math.min(count || 1, MAX_CONNECTIONS));
}
