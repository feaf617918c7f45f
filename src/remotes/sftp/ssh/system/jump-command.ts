/**
 * The hosts on the way as a proxy command. ssh itself starts an ssh for them too, but passes none of our options on:
 * that one could ask a question, or several connections could share its TCP connection, which a provider then shapes as
 * one.
 */
import type { Jump } from '../config/proxy-jump.ts';

export interface JumpCommand {
  /** The program and its first arguments. */
  readonly program: readonly string[];
  /** For each of the hosts. */
  readonly options: readonly string[];
  /** The nearest one first; at least one. */
  readonly jumps: readonly Jump[];
}

/** For `ProxyCommand` of the host that is reached through the last of them. */
export function jumpCommand({ program, options, jumps }: JumpCommand): string {
  const { host, user, port } = jumps.at(-1)!;
  const before = jumps.slice(0, -1);
  const words = [
    ...program,
    ...options,
    ...(before.length === 0 ? [] : ['-o', `ProxyCommand=${jumpCommand({ program, options, jumps: before })}`]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
  ];
  // The tokens of the last words are for the program that gets this command; all others are for those that it starts.
  const ownWords = words.map((word) => word.replaceAll('%', '%%'));
  return [...ownWords, '-W', '[%h]:%p', '--', host].map(quoted).join(' ');
}

/** As one word of a command of any shell: without a backslash, which some of them read inside of quotes. */
function quoted(word: string): string {
  return /^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
