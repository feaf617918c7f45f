/**
 * The texts that `{a,b}` stands for, in order, as in shells: `x{a,b{c,d}}` is `xa`, `xbc` and `xbd`. A backslash quotes
 * the next character, and stays. Braces without a comma, or without a partner, are ordinary characters. The number of
 * texts grows with a power of the number of braces: the caller must stop when there are too many.
 */
export function* braceAlternatives(text: string): Generator<string> {
  const braces = firstBraces(text);
  if (braces === undefined) {
    yield text;
    return;
  }
  const before = text.slice(0, braces.open);
  const after = text.slice(braces.close + 1);
  for (const part of braces.parts) {
    for (const middle of braceAlternatives(part)) {
      for (const rest of braceAlternatives(after)) yield `${before}${middle}${rest}`;
    }
  }
}

interface Braces {
  readonly open: number;
  readonly close: number;
  readonly parts: readonly string[];
}

/** The first outermost braces that have a partner and a comma. */
function firstBraces(text: string): Braces | undefined {
  for (const { open, close, commas } of pairsOf(text)) {
    if (commas.length === 0) continue;
    const cuts = [open, ...commas, close];
    const parts = cuts.slice(1).map((cut, i) => text.slice(cuts[i]! + 1, cut));
    return { open, close, parts };
  }
  return undefined;
}

interface Pair {
  readonly open: number;
  readonly close: number;
  readonly commas: readonly number[];
}

/** Each pair of braces with the commas between them that are in no inner pair; sorted by where they open. */
function pairsOf(text: string): Pair[] {
  const pairs: Pair[] = [];
  const opened: { readonly open: number; readonly commas: number[] }[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '{') opened.push({ open: at, commas: [] });
    else if (character === ',') opened.at(-1)?.commas.push(at);
    else if (character === '}') {
      const last = opened.pop();
      if (last !== undefined) pairs.push({ ...last, close: at });
    }
  }
  return pairs.sort((one, other) => one.open - other.open);
}
