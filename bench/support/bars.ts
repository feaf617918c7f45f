import { rounded } from './ratio.ts';

/** What a figure must not exceed. */
export interface Bar {
  readonly what: string;
  /** Undefined: it was not measured. */
  readonly value: number | undefined;
  readonly atMost: number;
  /** With the space before it. */
  readonly unit?: string;
}

export function barLine({ what, value, atMost, unit = '' }: Bar): string {
  const limit = `at most ${atMost}${unit} is wanted`;
  if (value === undefined) return `${what}: not measured (${limit})`;
  return `${what}: ${rounded(value)}${unit} (${limit}): ${value <= atMost ? 'holds' : 'MISSED'}`;
}
