/**
 * The algorithms that are offered, and OpenSSH's syntax for changing these lists (ssh_config(5), `Ciphers` and others).
 */
import { CopyError } from '../../../errors.ts';
import { matchPattern } from './match-pattern.ts';

interface Choice {
  /** Those that are offered by default, in order of preference. */
  readonly defaults: readonly string[];
  /** Those that the user may add. */
  readonly others: readonly string[];
}

/**
 * GCM is first because it takes the least time on processors with AES instructions. The order of the client decides
 * (RFC 4253, 7.1).
 */
export const ciphers: Choice = {
  defaults: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  others: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
};

export const macs: Choice = {
  defaults: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
  ],
  others: ['hmac-md5', 'hmac-sha1-96', 'hmac-md5-96'],
};

export const keyExchange: Choice = {
  defaults: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  others: [
    'diffie-hellman-group15-sha512',
    'diffie-hellman-group17-sha512',
    'diffie-hellman-group-exchange-sha1',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group1-sha1',
  ],
};

/** `ssh-rsa` (SHA-1) is not a default, as in OpenSSH since 8.8. */
export const hostKeys: Choice = {
  defaults: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  others: ['ssh-rsa', 'ssh-dss'],
};

/** With which a key of the user may sign. As in OpenSSH since 8.8, SHA-1 only where it is asked for. */
export const publicKeys: Choice = hostKeys;

/**
 * The list that the value of an option describes: names separated by commas, or a change of the defaults. `+` appends
 * names, `-` removes names (patterns are allowed), `^` puts names in front.
 * @param option the option, for messages
 * @param isLenient whether names that are not supported are passed over, as long as others are left: in a file of ssh,
 *   they may be of algorithms that only ssh has
 * @throws {CopyError} `usage`: when a name is unknown or no name is left
 */
export function resolveAlgorithms(value: string, choice: Choice, option: string, isLenient = false): readonly string[] {
  const sign = /^[+^-]/.exec(value)?.[0];
  const names = (sign === undefined ? value : value.slice(1)).split(',').map((name) => name.trim());
  if (sign === '-') {
    return orRefuse(
      choice.defaults.filter((name) => !names.some((pattern) => matchPattern(name, pattern))),
      option,
    );
  }
  const known = [...choice.defaults, ...choice.others];
  const chosen = new Set<string>();
  for (const name of names) {
    const matches = /[*?]/.test(name) && sign !== undefined ? known.filter((one) => matchPattern(one, name)) : [name];
    for (const match of matches) {
      if (!known.includes(match)) {
        if (isLenient) continue;
        throw new CopyError('usage', `${option}: this program does not support the algorithm "${match}".`, {
          advice: `It supports ${known.join(', ')}.`,
        });
      }
      chosen.add(match);
    }
  }
  if (sign === undefined) return orRefuse([...chosen], option);
  const others = choice.defaults.filter((name) => !chosen.has(name));
  if (sign === '^') return [...chosen, ...others];
  return [...choice.defaults, ...[...chosen].filter((name) => !choice.defaults.includes(name))];
}

function orRefuse(names: readonly string[], option: string): readonly string[] {
  if (names.length > 0) return names;
  throw new CopyError('usage', `${option} leaves no algorithm.`);
}
