/**
 * One line of ssh_config(5), or one `-o`: a keyword and its arguments, split as OpenSSH splits them (readconf.c,
 * `process_config_line_depth`; misc.c, `argv_split`).
 */
import { CopyError } from '../../../../errors.ts';

export interface Directive {
  /** As it was written. */
  readonly keyword: string;
  /** For messages: the keyword and where it stands. */
  readonly label: string;
  /** The arguments without their quotes. */
  readonly words: readonly string[];
  /** Everything after the keyword, as it was written: what the keywords that hold a command consist of. */
  readonly text: string;
}

/**
 * Undefined: the line is empty or a comment.
 * @param place where the line stands, for messages; undefined: it is an `-o`
 * @throws {CopyError} `usage`: when the keyword has no argument, or a quote is not closed
 */
export function parseDirective(line: string, place?: string): Directive | undefined {
  const match = /^[\s"]*([^\s"=]+)"?(?:\s*=\s*|\s+|$)(.*?)\s*$/s.exec(line);
  const [, keyword, text] = match ?? [];
  if (keyword === undefined || text === undefined || keyword.startsWith('#')) return undefined;
  const label = place === undefined ? `-o ${keyword}` : `${place}: ${keyword}`;
  if (text === '') {
    throw new CopyError('usage', `${label}: there is no value.`, { advice: 'Write it as Keyword=value.' });
  }
  return { keyword, label, words: splitWords(text, label), text };
}

/**
 * Splits at blanks and tabs. Quotes of both kinds keep them together, a backslash takes the meaning of quotes, of
 * another backslash and, outside quotes, of a blank. A `#` at the beginning of a word begins a comment.
 */
export function splitWords(text: string, label: string): string[] {
  const found: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (at >= text.length || text[at] === '#') return found;
    let word = '';
    let quote: string | undefined;
    for (; at < text.length; at++) {
      const char = text[at]!;
      const next = text[at + 1];
      const isEscape = next === "'" || next === '"' || next === '\\' || (quote === undefined && next === ' ');
      if (char === '\\' && isEscape) word += text[++at];
      else if (quote === undefined && (char === ' ' || char === '\t')) break;
      else if (quote === undefined && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = undefined;
      else word += char;
    }
    if (quote !== undefined) {
      throw new CopyError('usage', `${label}: the quote ${quote} is not closed.`, { advice: 'Add the other one.' });
    }
    found.push(word);
  }
}
