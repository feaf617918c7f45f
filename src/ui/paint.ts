const codes = { red: 31, yellow: 33, green: 32, dim: 2 } as const;

export type Paint = (color: keyof typeof codes, text: string) => string;

/** Colours text, or leaves it as it is. */
export function makePaint(enabled: boolean): Paint {
  return (color, text) => (enabled ? `\u001B[${codes[color]}m${text}\u001B[0m` : text);
}
