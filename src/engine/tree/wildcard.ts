import { type CharacterSet, parseCharacterSet } from './character-set.ts';

/**
 * What a pattern consists of: the code units of ordinary characters, and these. Sets are numbered downwards from
 * {@link FIRST_SET}.
 */
const ANY_CHARACTER = -1;
/** `*`: any characters but a slash. */
const STAR = -2;
/** `**`: any characters. */
const DEEP_STAR = -3;
/** Nothing matches it. */
const NEVER = -4;
const FIRST_SET = -5;

const SLASH = 0x2f;

/** What becomes of a `[` without its `]`, and of a backslash at the end, on which programs do not agree. */
export type Unfinished = 'never matches' | 'is ordinary';

/**
 * A pattern of `*`, `**`, `?`, `[...]` and characters that a backslash may quote, compiled once and matched against
 * many texts. It is no regular expression, because the time of those grows with a power of the number of stars: here, a
 * star never takes back what an earlier star has matched, which cannot help.
 */
export class Wildcard {
  readonly #tokens: readonly number[];
  readonly #sets: readonly CharacterSet[];

  constructor(pattern: string, unfinished: Unfinished) {
    const sets: CharacterSet[] = [];
    this.#tokens = tokensOf(pattern, unfinished, sets);
    this.#sets = sets;
  }

  /** The only text that matches, of a pattern without wildcards. */
  get literal(): string | undefined {
    if (this.#tokens.some((token) => token < 0)) return undefined;
    return this.#tokens.map((unit) => String.fromCharCode(unit)).join('');
  }

  /** Whether every text that matches begins with this character, because the pattern itself does. */
  beginsWith(character: string): boolean {
    return this.#tokens[0] === character.charCodeAt(0);
  }

  /** Whether `text` from `offset` on matches as a whole. */
  matches(text: string, offset = 0): boolean {
    const tokens = this.#tokens;
    let at = offset;
    let next = 0;
    // Where the last star, and the last deep star, is tried again: behind it in the pattern, and in the text.
    let afterStar = -1;
    let starAt = 0;
    let afterDeep = -1;
    let deepAt = 0;
    for (;;) {
      const token = tokens[next];
      if (token === STAR) {
        afterStar = ++next;
        starAt = at;
        continue;
      }
      if (token === DEEP_STAR) {
        if (next === tokens.length - 1) return true;
        afterDeep = ++next;
        deepAt = at;
        afterStar = -1;
        continue;
      }
      if (token === undefined) {
        if (at === text.length) return true;
      } else {
        // A star that takes more leaves even less.
        if (at >= text.length) return false;
        const width = this.#width(token, text, at);
        if (width > 0) {
          next++;
          at += width;
          continue;
        }
      }
      if (afterStar >= 0 && starAt < text.length && text.charCodeAt(starAt) !== SLASH) {
        starAt += widthAt(text, starAt);
        at = starAt;
        next = afterStar;
      } else if (afterDeep >= 0 && deepAt < text.length) {
        deepAt += widthAt(text, deepAt);
        at = deepAt;
        next = afterDeep;
        afterStar = -1;
      } else {
        return false;
      }
    }
  }

  /** How much of the text the token matches there; 0: nothing. */
  #width(token: number, text: string, at: number): number {
    const unit = text.charCodeAt(at);
    if (token >= 0) return token === unit ? 1 : 0;
    if (token === ANY_CHARACTER) return unit === SLASH ? 0 : widthAt(text, at);
    if (token === NEVER) return 0;
    return this.#sets[FIRST_SET - token]!.has(text.codePointAt(at)!) ? widthAt(text, at) : 0;
  }
}

/** A character beyond U+FFFF is two code units. */
function widthAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff && at + 1 < text.length ? 2 : 1;
}

function tokensOf(pattern: string, unfinished: Unfinished, sets: CharacterSet[]): number[] {
  const tokens: number[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at]!;
    if (character === '*') {
      const stars = /^\*+/.exec(pattern.slice(at))![0].length;
      tokens.push(stars === 1 ? STAR : DEEP_STAR);
      at += stars;
      continue;
    }
    if (character === '[') {
      const parsed = parseCharacterSet(pattern, at);
      if (parsed !== undefined) {
        tokens.push(parsed.set === undefined ? NEVER : FIRST_SET - sets.length);
        if (parsed.set !== undefined) sets.push(parsed.set);
        at = parsed.end;
        continue;
      }
    }
    const isQuoting = character === '\\';
    const isUnfinished = character === '[' || (isQuoting && at === pattern.length - 1);
    if (isQuoting && !isUnfinished) at++;
    if (isUnfinished && unfinished === 'never matches') tokens.push(NEVER);
    else if (character === '?') tokens.push(ANY_CHARACTER);
    else tokens.push(pattern.charCodeAt(at));
    at++;
  }
  return tokens;
}
