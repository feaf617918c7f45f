/** The sets in brackets of wildcards: `[abc]`, `[a-z]`, `[!x]`, `[[:digit:]]`. */

/** Code points from `low` to `high`, both included. */
type CodeRange = readonly [low: number, high: number];

/** Of ASCII alone, so that a pattern means the same on every machine, whatever its locale. */
const CLASSES: Readonly<Record<string, readonly CodeRange[]>> = {
  alnum: rangesOf('09', 'AZ', 'az'),
  alpha: rangesOf('AZ', 'az'),
  blank: rangesOf('\t\t', '  '),
  cntrl: rangesOf('\0\x1f', '\x7f\x7f'),
  digit: rangesOf('09'),
  graph: rangesOf('!~'),
  lower: rangesOf('az'),
  print: rangesOf(' ~'),
  punct: rangesOf('!/', ':@', '[`', '{~'),
  space: rangesOf('\t\r', '  '),
  upper: rangesOf('AZ'),
  xdigit: rangesOf('09', 'AF', 'af'),
};

function rangesOf(...pairs: string[]): CodeRange[] {
  return pairs.map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]);
}

const SLASH = 0x2f;

export class CharacterSet {
  readonly #ranges: readonly CodeRange[];
  readonly #isNegated: boolean;

  constructor(ranges: readonly CodeRange[], isNegated: boolean) {
    this.#ranges = ranges;
    this.#isNegated = isNegated;
  }

  /** Whether a character is in the set. A slash never is, because it separates the components of a path. */
  has(code: number): boolean {
    if (code === SLASH) return false;
    for (const [low, high] of this.#ranges) if (code >= low && code <= high) return !this.#isNegated;
    return this.#isNegated;
  }
}

export interface ParsedSet {
  /** Undefined: it names a class that does not exist, so that it has no meaning. */
  readonly set: CharacterSet | undefined;
  /** Where the pattern continues. */
  readonly end: number;
}

/** Reads the set whose `[` is at `offset`. Undefined: no `]` ends it. */
export function parseCharacterSet(pattern: string, offset: number): ParsedSet | undefined {
  let at = offset + 1;
  const isNegated = pattern[at] === '!' || pattern[at] === '^';
  if (isNegated) at++;
  const ranges: CodeRange[] = [];
  let isKnown = true;
  // A `]` that comes first is a character of the set.
  for (const first = at; at < pattern.length; ) {
    if (pattern[at] === ']' && at > first) {
      return { set: isKnown ? new CharacterSet(ranges, isNegated) : undefined, end: at + 1 };
    }
    const named = classAt(pattern, at);
    if (named !== undefined) {
      ranges.push(...(CLASSES[named.name] ?? []));
      isKnown &&= Object.hasOwn(CLASSES, named.name);
      at = named.end;
      continue;
    }
    const low = characterAt(pattern, at);
    if (low === undefined) return undefined;
    at = low.end;
    const follows = pattern[at + 1];
    const high = pattern[at] === '-' && follows !== ']' ? characterAt(pattern, at + 1) : undefined;
    ranges.push([low.code, high?.code ?? low.code]);
    if (high !== undefined) at = high.end;
  }
  return undefined;
}

/** `[:name:]`. Without its end, it is characters like others. */
function classAt(pattern: string, at: number): { readonly name: string; readonly end: number } | undefined {
  if (!pattern.startsWith('[:', at)) return undefined;
  const close = pattern.indexOf(']', at + 2);
  if (close === -1 || close === at + 2 || pattern[close - 1] !== ':') return undefined;
  return { name: pattern.slice(at + 2, close - 1), end: close + 1 };
}

/** A backslash makes an ordinary character of the next one. */
function characterAt(pattern: string, at: number): { readonly code: number; readonly end: number } | undefined {
  const start = pattern[at] === '\\' ? at + 1 : at;
  const code = pattern.codePointAt(start);
  return code === undefined ? undefined : { code, end: start + (code > 0xffff ? 2 : 1) };
}
