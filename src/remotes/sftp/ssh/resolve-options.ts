/** Turns the options of the command line into {@link SshSettings}. */
import { join } from 'node:path';
import { CopyError } from '../../../errors.ts';
import * as algorithms from './algorithm-lists.ts';
import { resolveAlgorithms } from './algorithm-lists.ts';
import {
  badValue,
  expandHome,
  expandPath,
  splitOption,
  type Tokens,
  timeMs,
  wholeNumber,
  word,
  words,
  yesOrNo,
} from './option-values.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_STALL_TIMEOUT_MS, type SshInput } from './ssh-options.ts';
import type {
  AlgorithmSettings,
  AuthenticationMethod,
  AuthenticationSettings,
  HostKeySettings,
  IdentityFile,
  SshSettings,
  StrictHostKeyChecking,
} from './ssh-settings.ts';

const KEYWORDS = [
  'AddressFamily',
  'BatchMode',
  'Ciphers',
  'Compression',
  'ConnectTimeout',
  'GlobalKnownHostsFile',
  'HashKnownHosts',
  'HostKeyAlgorithms',
  'HostKeyAlias',
  'HostName',
  'IdentitiesOnly',
  'IdentityAgent',
  'IdentityFile',
  'KbdInteractiveAuthentication',
  'KexAlgorithms',
  'MACs',
  'NumberOfPasswordPrompts',
  'PasswordAuthentication',
  'Port',
  'PreferredAuthentications',
  'PubkeyAuthentication',
  'ServerAliveCountMax',
  'ServerAliveInterval',
  'StrictHostKeyChecking',
  'User',
  'UserKnownHostsFile',
] as const;

type Keyword = (typeof KEYWORDS)[number];

/** The values of `-o` by keyword, in order. */
class Options {
  readonly #values = new Map<Keyword, string[]>();

  constructor(options: readonly string[]) {
    for (const option of options) {
      const { keyword, value } = splitOption(option);
      const known = KEYWORDS.find((one) => one.toLowerCase() === keyword.toLowerCase());
      if (known === undefined) throw unknownKeyword(keyword);
      this.#values.set(known, [...(this.#values.get(known) ?? []), value]);
    }
  }

  all(keyword: Keyword): readonly string[] {
    return this.#values.get(keyword) ?? [];
  }

  /** The first value, parsed by `read`: as in ssh, the first one counts. The others are only checked. */
  get<T>(keyword: Keyword, read: (keyword: string, value: string) => T): T | undefined {
    return this.all(keyword).map((value) => read(keyword, value))[0];
  }
}

function unknownKeyword(keyword: string): CopyError {
  const advice = keyword.toLowerCase() === 'loglevel' ? 'Use -v or -vv instead.' : `Keywords: ${KEYWORDS.join(', ')}.`;
  return new CopyError('usage', `-o ${keyword} is not supported.`, { advice });
}

/**
 * Merges flags and `-o` keywords (of any case) with the defaults of OpenSSH. Flags take precedence over `-o`. Of
 * several `-o` with the same keyword, the first one counts, except that all `IdentityFile` count. `ConnectTimeout` and
 * `ServerAliveInterval` take precedence over the values in `input`, which may be defaults.
 * @throws {CopyError} `usage`: when a keyword is unknown, a value is bad, or a host or user begins with `-`
 */
export function resolveSshOptions(input: SshInput, environment: SshEnvironment): SshSettings {
  const options = new Options(input.options ?? []);
  const compression = input.compression || (options.get('Compression', yesOrNo) ?? false);
  const host = options.get('HostName', word) ?? input.host;
  const user = input.user ?? options.get('User', word) ?? environment.user;
  checkName('host', input.host);
  checkName('host', host);
  checkName('user', user);
  const port = input.port ?? options.get('Port', (keyword, value) => wholeNumber(keyword, value, 1, 65_535)) ?? 22;
  const percent = { d: environment.home, h: host, n: input.host, p: String(port), r: user, u: environment.user };
  const tokens: Tokens = { home: environment.home, percent, variables: environment.variables };
  const keepaliveIntervalMs = options.get('ServerAliveInterval', timeMs);
  // The value is checked but not used, because --stall-timeout says how long a connection may be silent.
  options.get('ServerAliveCountMax', (keyword, value) => wholeNumber(keyword, value, 1, 1000));
  return {
    typedHost: input.host,
    host,
    port,
    user,
    addressFamily: input.addressFamily ?? options.get('AddressFamily', addressFamily) ?? 0,
    connectTimeoutMs: options.get('ConnectTimeout', timeMs) || (input.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS),
    keepaliveIntervalMs:
      keepaliveIntervalMs ?? Math.max(1000, Math.floor((input.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS) / 3)),
    // The fast path compresses nothing. The variable is an undocumented way to switch it off, in case it should ever be
    // faulty.
    fastPath: environment.variables['MT_COPY_FAST_PATH'] !== 'no' && !compression,
    compression,
    batch: input.batch || (options.get('BatchMode', yesOrNo) ?? false),
    hostKeys: hostKeySettings(input, options, tokens),
    authentication: authenticationSettings(input, options, tokens),
    algorithms: algorithmSettings(input, options),
  };
}

function checkName(what: string, name: string): void {
  if (name === '' || name.startsWith('-') || /[\0-\x20\x7f]/.test(name)) {
    throw new CopyError('usage', `The ${what} ${JSON.stringify(name)} is not a name.`, {
      advice: `A ${what} is not empty, does not begin with "-" and has no blanks.`,
    });
  }
}

function addressFamily(keyword: string, value: string): 0 | 4 | 6 {
  const families: Readonly<Record<string, 0 | 4 | 6>> = { any: 0, inet: 4, inet6: 6 };
  const family = families[value.toLowerCase()];
  if (family === undefined) throw badValue(keyword, value, 'any, inet or inet6');
  return family;
}

function hostKeySettings(input: SshInput, options: Options, tokens: Tokens): HostKeySettings {
  const files = (keyword: string, value: string): string[] =>
    value.toLowerCase() === 'none' ? [] : words(value).map((path) => expandPath(keyword, path, tokens));
  const ssh = join(tokens.home, '.ssh');
  const strict = options.get('StrictHostKeyChecking', strictness);
  const alias = options.get('HostKeyAlias', word);
  return {
    ...(strict === undefined ? {} : { strict }),
    userFiles: options.get('UserKnownHostsFile', files) ?? [join(ssh, 'known_hosts'), join(ssh, 'known_hosts2')],
    globalFiles: options.get('GlobalKnownHostsFile', files) ?? [
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    ...(alias === undefined ? {} : { alias }),
    hashNames: options.get('HashKnownHosts', yesOrNo) ?? false,
    pins: (input.pinnedHostKeys ?? []).map(pin),
  };
}

function strictness(keyword: string, value: string): StrictHostKeyChecking {
  const lower = value.toLowerCase();
  if (lower === 'ask' || lower === 'accept-new') return lower;
  if (lower === 'yes' || lower === 'true') return 'yes';
  if (lower === 'no' || lower === 'off' || lower === 'false') return 'no';
  throw badValue(keyword, value, 'yes, no, ask or accept-new');
}

function pin(value: string): string {
  const match = /^(SHA256:[A-Za-z0-9+/]{43})=?$/.exec(value);
  if (match?.[1] !== undefined) return match[1];
  throw new CopyError('usage', `--pin-host-key: ${JSON.stringify(value)} is not a fingerprint.`, {
    advice: 'It looks like SHA256: and 43 characters, as ssh-keygen -l prints it.',
  });
}

function authenticationSettings(input: SshInput, options: Options, tokens: Tokens): AuthenticationSettings {
  const enabled: Record<AuthenticationMethod, boolean> = {
    publickey: options.get('PubkeyAuthentication', yesOrNo) ?? true,
    'keyboard-interactive': options.get('KbdInteractiveAuthentication', yesOrNo) ?? true,
    password: options.get('PasswordAuthentication', yesOrNo) ?? true,
  };
  const order = options.get('PreferredAuthentications', preferred) ?? METHODS;
  const explicit = [
    ...(input.identityFiles ?? []).map((path) => expandHome('IdentityFile', path, tokens.home)),
    ...options.all('IdentityFile').map((path) => expandPath('IdentityFile', word('IdentityFile', path), tokens)),
  ].filter((path) => path.toLowerCase() !== 'none');
  // As in ssh, the usual files count only where the user names none.
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(tokens.home, '.ssh', name));
  const named = (input.identityFiles ?? []).length + options.all('IdentityFile').length > 0;
  const identityFiles: IdentityFile[] = (named ? explicit : usual).map((path) => ({ path, explicit: named }));
  const agentSocket = agent(options.get('IdentityAgent', word) ?? 'SSH_AUTH_SOCK', tokens);
  return {
    methods: order.filter((method) => enabled[method]),
    identityFiles,
    identitiesOnly: options.get('IdentitiesOnly', yesOrNo) ?? false,
    ...(agentSocket === undefined ? {} : { agentSocket }),
    passwordPrompts: options.get('NumberOfPasswordPrompts', (key, value) => wholeNumber(key, value, 0, 100)) ?? 3,
  };
}

const METHODS: readonly AuthenticationMethod[] = ['publickey', 'keyboard-interactive', 'password'];

function preferred(keyword: string, value: string): AuthenticationMethod[] {
  const names = value.split(',').map((name) => name.trim());
  const foreign = names.find((name) => ![...METHODS, 'gssapi-with-mic', 'hostbased'].includes(name));
  if (foreign !== undefined) throw badValue(keyword, value, METHODS.join(', '));
  return names.filter((name): name is AuthenticationMethod => METHODS.some((method) => method === name));
}

function agent(value: string, tokens: Tokens): string | undefined {
  if (value.toLowerCase() === 'none') return undefined;
  if (value === 'SSH_AUTH_SOCK') return tokens.variables['SSH_AUTH_SOCK'] || undefined;
  if (value.startsWith('$') && !value.startsWith('${')) return tokens.variables[value.slice(1)] || undefined;
  return expandPath('IdentityAgent', value, tokens);
}

function algorithmSettings(input: SshInput, options: Options): AlgorithmSettings {
  const list = (choice: typeof algorithms.ciphers) => (keyword: string, value: string) =>
    resolveAlgorithms(value, choice, `-o ${keyword}`);
  const chosenHostKeys = options.get('HostKeyAlgorithms', list(algorithms.hostKeys));
  return {
    ciphers:
      (input.ciphers === undefined ? undefined : resolveAlgorithms(input.ciphers, algorithms.ciphers, '-c')) ??
      options.get('Ciphers', list(algorithms.ciphers)) ??
      algorithms.ciphers.defaults,
    macs: options.get('MACs', list(algorithms.macs)) ?? algorithms.macs.defaults,
    keyExchange: options.get('KexAlgorithms', list(algorithms.keyExchange)) ?? algorithms.keyExchange.defaults,
    hostKeys: chosenHostKeys ?? algorithms.hostKeys.defaults,
    // As in OpenSSH, a list that only adds or removes algorithms does not fix their order.
    hostKeysChosen: chosenHostKeys !== undefined && !/^[+-]/.test(options.all('HostKeyAlgorithms')[0] ?? ''),
  };
}
