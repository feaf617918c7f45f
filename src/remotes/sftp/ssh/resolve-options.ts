/** Turns the options of the command line into {@link SshSettings}. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { CopyError } from '../../../errors.ts';
import * as algorithms from './algorithm-lists.ts';
import { resolveAlgorithms } from './algorithm-lists.ts';
import { type Directive, parseDirective } from './config/directive.ts';
import { treatmentOf, type UsedKeyword } from './config/keywords.ts';
import { proxyIn } from './config/proxy-jump.ts';
import {
  badValue,
  expandHome,
  expandPath,
  expandTokens,
  machineTokens,
  type Tokens,
  timeMs,
  wholeNumber,
  yesOrNo,
} from './option-values.ts';
import { expectPlainName } from './proxy-command.ts';
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

/** On Windows, the agent of the system has no variable. */
const SYSTEM_AGENT = process.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined;

/** What `-o` and the files say, by keyword: first what takes precedence. */
class Options {
  readonly #values = new Map<UsedKeyword, Directive[]>();
  readonly #given: ReadonlySet<Directive>;

  constructor(given: readonly Directive[], fromFiles: readonly Directive[]) {
    this.#given = new Set(given);
    for (const directive of given) this.#add(directive, true);
    for (const directive of fromFiles) this.#add(directive, false);
  }

  all(keyword: UsedKeyword): readonly Directive[] {
    return this.#values.get(keyword) ?? [];
  }

  /** The first value, which is one word: as in ssh, the first one counts. Of the others, those of `-o` are checked. */
  get<T>(keyword: UsedKeyword, read: (label: string, word: string) => T): T | undefined {
    return this.#checked(keyword).map((directive) => read(directive.label, oneWord(directive)))[0];
  }

  /** The first value, which may be several words. */
  getWords<T>(keyword: UsedKeyword, read: (label: string, words: readonly string[]) => T): T | undefined {
    return this.#checked(keyword).map(({ label, words }) => read(label, words))[0];
  }

  #checked(keyword: UsedKeyword): readonly Directive[] {
    return this.all(keyword).filter((directive, index) => index === 0 || this.#given.has(directive));
  }

  #add(directive: Directive, isGiven: boolean): void {
    const treatment = treatmentOf(directive.keyword, directive.words[0]);
    if (treatment.kind === 'used') {
      const { keyword } = treatment;
      this.#values.set(keyword, [...this.all(keyword), directive]);
    } else if (treatment.kind === 'needed') {
      throw new CopyError('usage', `${directive.label} is not supported.`, {
        advice:
          'It may not be ignored, because it says whom to reach or to trust: --ssh uses ssh itself, which honours it.',
      });
    } else if (treatment.kind === 'unknown' && isGiven) {
      throw unknownKeyword(directive.keyword);
    }
  }
}

/** What the user should know of lines that have no effect here. */
export function noticesOf(directives: readonly Directive[]): readonly SshNotice[] {
  return directives.flatMap(({ label, keyword, words }): SshNotice[] => {
    const { kind } = treatmentOf(keyword, words[0]);
    if (kind === 'not-honoured') {
      return [{ level: 'warning', message: `${label} is not supported, and has no effect. With --ssh, it has.` }];
    }
    if (kind === 'unknown') return [{ level: 'detail', message: `${label} is no known keyword, and has no effect.` }];
    return [];
  });
}

function oneWord({ label, words, text }: Directive): string {
  const [word] = words;
  if (words.length !== 1 || word === undefined || word === '') throw badValue(label, text, 'one word');
  return word;
}

function unknownKeyword(keyword: string): CopyError {
  return new CopyError('usage', `-o ${keyword}: there is no such keyword.`, { advice: 'See ssh_config(5) for all.' });
}

/** The `-o` options, parsed, and before them what other options stand for. */
export function givenDirectives({ jumps, options = [] }: Pick<SshInput, 'jumps' | 'options'>): Directive[] {
  const all = jumps === undefined ? options : [`ProxyJump=${jumps}`, ...options];
  return all.map((option) => {
    const directive = parseDirective(option);
    if (directive !== undefined) return directive;
    throw new CopyError('usage', `-o "${option}" is not right.`, { advice: 'Write it as Keyword=value.' });
  });
}

export interface SshNotice {
  readonly level: 'detail' | 'warning';
  readonly message: string;
}

/**
 * Merges flags, `-o` keywords (of any case) and those of the files of ssh with the defaults of OpenSSH. Flags take
 * precedence over `-o`, and `-o` over the files. Of several lines with the same keyword, the first one counts, except
 * that all `IdentityFile` count.
 * @param fromFiles the lines of the files that apply, in order
 * @throws {CopyError} `usage`: when a keyword of `-o` is unknown, a value is bad, or a host or user begins with `-`
 */
export function resolveSshOptions(
  input: SshInput,
  environment: SshEnvironment,
  fromFiles: readonly Directive[] = [],
): SshSettings {
  const given = givenDirectives(input);
  const options = new Options(given, fromFiles);
  const compression = input.compression || (options.get('Compression', yesOrNo) ?? false);
  // Names of hosts have no case, and locks and journals are named after them.
  const host = (
    options.get('HostName', (label, name) => expandTokens(label, name, { h: input.host })) ?? input.host
  ).toLowerCase();
  const user = input.user ?? options.get('User', asItIs) ?? environment.user;
  checkName('host', input.host);
  checkName('host', host);
  checkName('user', user);
  const family = input.addressFamily ?? options.get('AddressFamily', addressFamily) ?? 0;
  expectFamily(host, family);
  const bindAddress = options.get('BindAddress', localAddress);
  const port = input.port ?? options.get('Port', (label, value) => wholeNumber(label, value, 1, 65_535)) ?? 22;
  const alias = options.get('HostKeyAlias', asItIs);
  const percent = {
    ...machineTokens(environment),
    ...{ h: host, k: alias ?? input.host, n: input.host, p: String(port), r: user },
  };
  const tokens: Tokens = { home: environment.home, percent, variables: environment.variables };
  const connectTimeoutMs = options.get('ConnectTimeout', timeMs);
  const keepaliveIntervalMs = options.get('ServerAliveInterval', timeMs);
  // The value is checked but not used, because --stall-timeout says how long a connection may be silent.
  options.get('ServerAliveCountMax', (label, value) => wholeNumber(label, value, 0, 1000));
  return {
    typedHost: input.host,
    host,
    port,
    user,
    ...proxySettings([...given, ...fromFiles], percent),
    addressFamily: family,
    ...(bindAddress === undefined ? {} : { bindAddress }),
    connectTimeoutMs: input.connectTimeoutMs ?? (connectTimeoutMs || DEFAULT_CONNECT_TIMEOUT_MS),
    keepaliveIntervalMs: keepaliveIntervalMs ?? defaultKeepaliveMs(input),
    // The fast path compresses nothing. The variable is an undocumented way to switch it off, in case it should ever be
    // faulty.
    fastPath: environment.variables['MT_COPY_FAST_PATH'] !== 'no' && !compression,
    compression,
    batch: input.batch || (options.get('BatchMode', yesOrNo) ?? false),
    asksForEach: input.asksForEach ?? false,
    hostKeys: hostKeySettings(input, options, tokens),
    authentication: authenticationSettings(input, options, tokens),
    algorithms: algorithmSettings(input, options),
  };
}

function proxySettings(
  directives: readonly Directive[],
  percent: Tokens['percent'],
): Pick<SshSettings, 'proxyCommand'> {
  const proxy = proxyIn(directives);
  if (proxy?.kind !== 'command') return {};
  const { label, text } = proxy.directive;
  const { h, n, p, r } = percent;
  const names = { h, n, r };
  for (const [token, name] of Object.entries(names))
    if (text.includes(`%${token}`)) expectPlainName(label, name!, token === 'r');
  return { proxyCommand: expandTokens(label, text, { h: h!, n: n!, p: p!, r: r! }) };
}

/** How often an idle connection is tested where nothing else is said: well within the stall timeout. */
export function defaultKeepaliveMs({ stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS }: SshInput): number {
  return Math.max(1000, Math.floor(stallTimeoutMs / 3));
}

function asItIs(_label: string, value: string): string {
  return value;
}

/** @throws {CopyError} `usage`: when the name could be taken for an option, or is none */
export function checkName(what: string, name: string): void {
  if (name === '' || name.startsWith('-') || /[\0-\x20\x7f]/.test(name)) {
    throw new CopyError('usage', `The ${what} ${JSON.stringify(name)} is not a name.`, {
      advice: `A ${what} is not empty, does not begin with "-" and has no blanks.`,
    });
  }
}

/** Names are not looked up, because a name of this machine rarely tells which of its lines is meant. */
function localAddress(label: string, value: string): string {
  if (isIP(value) === 0) throw badValue(label, value, 'an IP address of this machine');
  return value;
}

/** @throws {CopyError} `usage`: when the host is an address of the other family */
function expectFamily(host: string, family: 0 | 4 | 6): void {
  const version = isIP(host);
  if (version === 0 || family === 0 || version === family) return;
  throw new CopyError('usage', `${host} is an address of IPv${version}, and only IPv${family} is to be used.`, {
    advice: `Leave out -${family} or AddressFamily.`,
  });
}

function addressFamily(label: string, value: string): 0 | 4 | 6 {
  const families: Readonly<Record<string, 0 | 4 | 6>> = { any: 0, inet: 4, inet6: 6 };
  const family = families[value.toLowerCase()];
  if (family === undefined) throw badValue(label, value, 'any, inet or inet6');
  return family;
}

function hostKeySettings(input: SshInput, options: Options, tokens: Tokens): HostKeySettings {
  const files = (label: string, words: readonly string[]): string[] =>
    words[0]?.toLowerCase() === 'none' ? [] : words.map((path) => expandPath(label, path, tokens));
  const ssh = join(tokens.home, '.ssh');
  const strict = options.get('StrictHostKeyChecking', strictness);
  const alias = options.get('HostKeyAlias', asItIs);
  return {
    ...(strict === undefined ? {} : { strict }),
    userFiles: options.getWords('UserKnownHostsFile', files) ?? [join(ssh, 'known_hosts'), join(ssh, 'known_hosts2')],
    globalFiles: options.getWords('GlobalKnownHostsFile', files) ?? [
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    ...(alias === undefined ? {} : { alias }),
    revokedFiles: options.getWords('RevokedHostKeys', files) ?? [],
    hashNames: options.get('HashKnownHosts', yesOrNo) ?? false,
    pins: (input.pinnedHostKeys ?? []).map(pin),
  };
}

function strictness(label: string, value: string): StrictHostKeyChecking {
  const lower = value.toLowerCase();
  if (lower === 'ask' || lower === 'accept-new') return lower;
  if (lower === 'yes' || lower === 'true') return 'yes';
  if (lower === 'no' || lower === 'off' || lower === 'false') return 'no';
  throw badValue(label, value, 'yes, no, ask or accept-new');
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
    publickey: options.get('PubkeyAuthentication', isNotNo) ?? true,
    'keyboard-interactive': options.get('KbdInteractiveAuthentication', yesOrNo) ?? true,
    password: options.get('PasswordAuthentication', yesOrNo) ?? true,
  };
  const order = options.get('PreferredAuthentications', preferred) ?? METHODS;
  const explicit = [
    ...(input.identityFiles ?? []).map((path) => expandHome('-i', path, tokens.home)),
    ...options.all('IdentityFile').map((line) => expandPath(line.label, oneWord(line), tokens)),
  ].filter((path) => path.toLowerCase() !== 'none');
  // As in ssh, the usual files count only where the user names none.
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(tokens.home, '.ssh', name));
  const named = (input.identityFiles ?? []).length + options.all('IdentityFile').length > 0;
  const identityFiles: IdentityFile[] = (named ? [...new Set(explicit)] : usual).map((path) => ({
    path,
    explicit: named,
  }));
  const agentSocket = agentOf(options, tokens);
  return {
    methods: order.filter((method) => enabled[method]),
    identityFiles,
    identitiesOnly: options.get('IdentitiesOnly', yesOrNo) ?? false,
    ...(agentSocket === undefined ? {} : { agentSocket }),
    keyAlgorithms:
      options.get('PubkeyAcceptedAlgorithms', (label, value) =>
        resolveAlgorithms(value, algorithms.publicKeys, label, true),
      ) ?? algorithms.publicKeys.defaults,
    passwordPrompts: options.get('NumberOfPasswordPrompts', (label, value) => wholeNumber(label, value, 0, 100)) ?? 3,
  };
}

const METHODS: readonly AuthenticationMethod[] = ['publickey', 'keyboard-interactive', 'password'];

function preferred(label: string, value: string): AuthenticationMethod[] {
  const names = value.split(',').map((name) => name.trim());
  const foreign = names.find((name) => ![...METHODS, 'gssapi-with-mic', 'gssapi-keyex', 'hostbased'].includes(name));
  if (foreign !== undefined) throw badValue(label, value, METHODS.join(', '));
  return names.filter((name): name is AuthenticationMethod => METHODS.some((method) => method === name));
}

/** ssh also has `unbound` and `host-bound`, which make no difference here. */
function isNotNo(label: string, value: string): boolean {
  return ['unbound', 'host-bound'].includes(value.toLowerCase()) || yesOrNo(label, value);
}

function agentOf(options: Options, tokens: Tokens): string | undefined {
  if (options.all('IdentityAgent').length === 0) return agent('', 'SSH_AUTH_SOCK', tokens);
  return options.get('IdentityAgent', (label, value) => agent(label, value, tokens));
}

function agent(label: string, value: string, tokens: Tokens): string | undefined {
  if (value.toLowerCase() === 'none') return undefined;
  if (value === 'SSH_AUTH_SOCK') return tokens.variables['SSH_AUTH_SOCK'] || SYSTEM_AGENT;
  if (value.startsWith('$') && !value.startsWith('${')) return tokens.variables[value.slice(1)] || undefined;
  return expandPath(label, value, tokens);
}

function algorithmSettings(input: SshInput, options: Options): AlgorithmSettings {
  const list = (choice: typeof algorithms.ciphers) => (label: string, value: string) =>
    resolveAlgorithms(value, choice, label, !label.startsWith('-o '));
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
    hostKeysChosen: chosenHostKeys !== undefined && !/^[+-]/.test(options.all('HostKeyAlgorithms')[0]?.text ?? ''),
  };
}
