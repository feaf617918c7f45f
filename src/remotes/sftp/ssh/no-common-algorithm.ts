/** The error for two sides without a common algorithm: what each has, and what could be added here. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { ciphers, hostKeys, keyExchange, macs } from './algorithm-lists.ts';
import type { ServerOffer } from './server-offer.ts';
import type { AlgorithmSettings } from './ssh-settings.ts';

const CHOICES = { ciphers, hostKeys, keyExchange, macs };

/** How ssh2 calls what is missing, what people call it, and the keyword that changes it. */
const KINDS = [
  { error: /key exchange/i, list: 'keyExchange', what: 'key exchange', keyword: 'KexAlgorithms' },
  { error: /host key/i, list: 'hostKeys', what: 'host key algorithm', keyword: 'HostKeyAlgorithms' },
  { error: /cipher/i, list: 'ciphers', what: 'cipher', keyword: 'Ciphers' },
  { error: /\bmac\b/i, list: 'macs', what: 'MAC', keyword: 'MACs' },
] as const;

/**
 * @param failure what ssh2 said
 * @param ours what was offered to the server
 * @param offer what the server offered; undefined where that could not be read
 */
export function noCommonAlgorithm(
  failure: Error,
  target: string,
  ours: AlgorithmSettings,
  offer: ServerOffer | undefined,
): CopyError {
  const kind = KINDS.find(({ error }) => error.test(failure.message));
  const options = { cause: failure, scope: 'run', retry: false } as const;
  if (kind === undefined || offer === undefined) {
    const message = `${target} and this program have no algorithm in common: ${cleanText(failure.message)}.`;
    return new CopyError('protocol', message, {
      ...options,
      advice: 'Ask the owner of the server for its algorithms.',
    });
  }
  const { list, what, keyword } = kind;
  const theirs = offer[list];
  const message = `${target} and this program have no ${what} in common: the server offers ${textOf(theirs)}, and this program ${textOf(ours[list])}.`;
  const { defaults, others } = CHOICES[list];
  const addable = [...defaults, ...others].filter((name) => theirs.includes(name));
  const advice =
    addable.length > 0
      ? `-o ${keyword}=+${addable[0]} adds one of the server's, if it is secure enough for you.`
      : 'This program has none of those: the server has to offer another one.';
  return new CopyError('protocol', message, { ...options, advice });
}

function textOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : cleanText(names.join(', ')).slice(0, 500);
}
