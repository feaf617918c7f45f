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

/** Never more than the files have pieces, and at least one. Sizes are in bytes. */
export function wantedConnections({ connections, pieceSize }: WantedOptions, sizes: readonly number[]): number {
  const piecesOf = (size: number): number =>
    Math.max(1, pieceCount(size, choosePieceSize(size, UNLIMITED_PIECES, pieceSize)));
  const pieces = sizes.reduce((sum, size) => sum + piecesOf(size), 0);
  const wanted = connections === 'auto' ? Math.min(AUTO_CONNECTIONS, usefulConnections(sizes)) : connections;
  return possible(Math.min(wanted, pieces));
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

function usefulConnections(sizes: readonly number[]): number {
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const small = sizes.filter((size) => size <= BYTES_A_CONNECTION).length;
  return Math.ceil(bytes / BYTES_A_CONNECTION) + Math.ceil(small / SMALL_FILES_A_CONNECTION);
}
