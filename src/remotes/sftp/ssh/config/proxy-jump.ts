/** `ProxyJump` and `ProxyCommand`: the way to a host (ssh_config(5)). Of both, the first one counts. */
import { badValue, expandTokens, type Tokens } from '../option-values.ts';
import type { Directive } from './directive.ts';

/** A host on the way. */
export interface Jump {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

export interface Proxy {
  /** The directive that counts. */
  readonly directive: Directive;
  readonly kind: 'command' | 'jumps';
}

/** Undefined: there is none, or `none` says so. */
export function proxyIn(directives: readonly Directive[]): Proxy | undefined {
  const isProxy = (keyword: string): boolean => /^proxy(jump|command)$/i.test(keyword);
  const directive = directives.find(({ keyword }) => isProxy(keyword));
  if (directive === undefined) return undefined;
  const kind = directive.keyword.toLowerCase() === 'proxyjump' ? 'jumps' : 'command';
  // A number sign is a part of a command, and begins a comment otherwise.
  const value = kind === 'jumps' ? directive.words[0] : directive.text;
  return value?.toLowerCase() === 'none' ? undefined : { directive, kind };
}

/**
 * The hosts of `[USER@]HOST[:PORT],...` or `ssh://...`, the nearest one first.
 * @param percent the tokens that it may contain, of the host that is reached in this way
 * @throws {CopyError} `usage`
 */
export function parseJumps({ label, text, words }: Directive, percent: Tokens['percent']): readonly Jump[] {
  const [first = '', ...others] = words;
  const list = expandTokens(label, first, percent);
  if (others.length > 0) throw badValue(label, text, 'hosts with commas and without blanks');
  return list.split(',').map((one) => {
    const match = /^(?:ssh:\/\/)?(?:([^/]+)@)?(?:\[([^\]/]+)\]|([^:@/[\]]+))(?::(\d{1,5}))?\/?$/.exec(one);
    const host = match?.[2] ?? match?.[3];
    const port = match?.[4] === undefined ? undefined : Number(match[4]);
    if (host === undefined || host.startsWith('-') || match?.[1]?.startsWith('-') || port === 0 || port! > 65_535) {
      throw badValue(label, text, '[USER@]HOST[:PORT], several with commas');
    }
    return { host, ...(match?.[1] !== undefined && { user: match[1] }), ...(port !== undefined && { port }) };
  });
}
