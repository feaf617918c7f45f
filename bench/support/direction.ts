import type { Directions } from '../../test/support/shaping.ts';

/** Which way the file goes: `up` to the server, `down` from it, as the proxy counts what passes. */
export type Direction = keyof Directions;

export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

interface DirectionWords {
  /** Ours, that copies this way. */
  readonly program: string;
  /** At the beginning of a sentence. */
  readonly transfer: string;
  /** Behind the name of a scene, which is named for its upload. */
  readonly scene: string;
  /** Behind its title. */
  readonly title: string;
}

const WORDS: Readonly<Record<Direction, DirectionWords>> = {
  up: { program: 'mtput', transfer: 'An upload', scene: '', title: '' },
  down: { program: 'mtget', transfer: 'A download', scene: '-down', title: ', for downloads' },
};

export function programOf(direction: Direction): string {
  return WORDS[direction].program;
}

export function transferWords(direction: Direction): string {
  return WORDS[direction].transfer;
}

/** Name of a scene that exists in both directions. */
export function sceneNamed(scene: string, direction: Direction): string {
  return `${scene}${WORDS[direction].scene}`;
}

export function titled(title: string, direction: Direction): string {
  return `${title}${WORDS[direction].title}`;
}

/** Of what the proxy counted, the bytes that went the way of the file. */
export function bytesOf(
  counted: { readonly bytesUp: number; readonly bytesDown: number },
  direction: Direction,
): number {
  return direction === 'up' ? counted.bytesUp : counted.bytesDown;
}
