/** Whether the lines after `Host` and `Match` apply (ssh_config(5); readconf.c, `match_cfg_line`). */
import { CopyError } from '../../../../errors.ts';
import { matchPatterns } from '../match-pattern.ts';
import type { Directive } from './directive.ts';

/** What the criteria are compared with. */
export interface MatchSubject {
  /** The host as typed; in the final pass, the host to connect to. */
  readonly host: string;
  /** `HostName` as far as it is known, otherwise `host`. */
  readonly hostName: string;
  /** The host as typed. */
  readonly typedHost: string;
  /** The login name as far as it is known, otherwise the local user. */
  readonly user: string;
  readonly localUser: string;
  readonly isFinal: boolean;
  /** Whether a command of `exec` succeeds; undefined: none may be run. */
  readonly succeeds?: ((command: string) => boolean) | undefined;
}

export interface MatchResult {
  readonly applies: boolean;
  /** Whether the files have to be read once more, when all other settings are known. */
  readonly wantsFinal: boolean;
  /** A criterion that cannot be evaluated, because of which the lines do not apply. */
  readonly skippedFor?: string;
}

/** Criteria that this program cannot evaluate, or may not: `exec` runs a command. */
const NOT_EVALUATED = ['exec', 'localnetwork', 'tagged', 'version', 'sessiontype', 'command'];

/** @throws {CopyError} `usage`: when the criteria are wrong */
export function matchApplies(directive: Directive, subject: MatchSubject): MatchResult {
  const { label } = directive;
  // As in OpenSSH, a criterion and its argument may be separated by "=".
  const tokens = splitCriteria(directive.words);
  let applies = true;
  let wantsFinal = false;
  let skippedFor: string | undefined;
  for (let at = 0; at < tokens.length; at++) {
    const isNegated = tokens[at]!.startsWith('!');
    const attribute = tokens[at]!.slice(isNegated ? 1 : 0).toLowerCase();
    if (attribute === 'all') {
      const isAlone = tokens.every((one, index) => index === at || /^!?(final|canonical)$/i.test(one));
      if (!isAlone || at < tokens.length - 1) throw wrong(label, '"all" stands alone, or after "final"');
      return { applies: applies && !isNegated, wantsFinal };
    }
    if (attribute === 'final' || attribute === 'canonical') {
      wantsFinal ||= attribute === 'final';
      // Names are not canonicalized here, so that only the final pass sets either.
      if (subject.isFinal === isNegated) applies = false;
      continue;
    }
    const patterns = tokens[++at];
    if (patterns === undefined || patterns === '') throw wrong(label, `"${attribute}" has no argument`);
    // As in OpenSSH, no command is run where it changes nothing.
    if (attribute === 'exec' && !applies) continue;
    const isMatch = evaluate(attribute, patterns, subject);
    if (isMatch === undefined) {
      if (!NOT_EVALUATED.includes(attribute)) throw wrong(label, `there is no criterion "${attribute}"`);
      if (applies) skippedFor ??= attribute;
    } else if (isMatch === isNegated) {
      applies = false;
    }
  }
  if (tokens.length === 0) throw wrong(label, 'a criterion is missing');
  if (!applies || skippedFor === undefined) return { applies, wantsFinal };
  return { applies: false, wantsFinal, skippedFor };
}

function splitCriteria(words: readonly string[]): string[] {
  const tokens: string[] = [];
  let isArgument = false;
  for (const word of words) {
    const at: number = isArgument ? -1 : word.indexOf('=');
    if (at > 0) tokens.push(word.slice(0, at), word.slice(at + 1));
    else tokens.push(word);
    isArgument = !isArgument && at === -1 && !/^!?(all|final|canonical)$/i.test(word);
  }
  return tokens;
}

/** Undefined: another attribute. */
function evaluate(attribute: string, patterns: string, subject: MatchSubject): boolean | undefined {
  switch (attribute) {
    case 'host':
      return listMatches(subject.hostName.toLowerCase(), patterns.toLowerCase());
    case 'originalhost':
      return listMatches(subject.typedHost.toLowerCase(), patterns.toLowerCase());
    case 'user':
      return listMatches(subject.user, patterns);
    case 'localuser':
      return listMatches(subject.localUser, patterns);
    case 'exec':
      return subject.succeeds?.(patterns);
    default:
      return undefined;
  }
}

/** Whether a pattern of a comma list matches, and none that is negated does. */
function listMatches(text: string, patterns: string): boolean {
  return matchPatterns(text, patterns.split(','));
}

function wrong(label: string, why: string): CopyError {
  return new CopyError('usage', `${label}: ${why}.`, { advice: 'See Match in ssh_config(5).' });
}
