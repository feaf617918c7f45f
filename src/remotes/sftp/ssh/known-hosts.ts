/**
 * What known_hosts files say of a host: the format of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", read and matched as
 * OpenSSH's hostfile.c and sshconnect.c do. Pure: text in, answer out.
 */
import { createHmac } from 'node:crypto';
import { keyTypeOf } from './host-key.ts';
import { matchPattern } from './match-pattern.ts';

/** The names a host is looked up by. */
export interface LookupNames {
  /** Lower case; `[host]:port` where the port is not 22. */
  readonly name: string;
  /** Without the port: a line with it can say yes, never no. Revoked keys are looked for under it too. */
  readonly bareName?: string;
}

/** One line that applies to the host. */
export interface KnownKey {
  readonly marker?: 'revoked' | 'cert-authority';
  readonly type: string;
  readonly blob: Uint8Array;
  /** `file:line`. */
  readonly where: string;
  /** Whether it applies to the bare name alone. */
  readonly bare: boolean;
}

export interface KnownHostsFile {
  readonly file: string;
  readonly text: string;
}

/** What is known about the key a server showed. */
export interface KeyJudgement {
  readonly state: 'ok' | 'new' | 'changed' | 'revoked';
  /** The lines that led to it, as `file:line`. */
  readonly where: readonly string[];
  /** Types of the keys that are known for the host, without repetition. */
  readonly knownTypes: readonly string[];
}

/** `alias` stands for the whole name, without port (`HostKeyAlias`). */
export function lookupNames(host: string, port: number, alias?: string): LookupNames {
  if (alias !== undefined) return { name: alias.toLowerCase() };
  const bareName = host.toLowerCase();
  return port === 22 ? { name: bareName } : { name: `[${bareName}]:${port}`, bareName };
}

/** Every line of `files` that applies to the host; lines that cannot be read are passed over. */
export function findKnownKeys(files: readonly KnownHostsFile[], names: LookupNames): KnownKey[] {
  const found: KnownKey[] = [];
  for (const { file, text } of files) {
    let number = 0;
    for (const line of text.split('\n')) {
      number++;
      const key = readLine(line, names, `${file}:${number}`);
      if (key !== undefined) found.push(key);
    }
  }
  return found;
}

/** Whether the key with `blob` is the right one, by the lines {@link findKnownKeys} gave. */
export function judgeKey(known: readonly KnownKey[], blob: Uint8Array): KeyJudgement {
  const same = (key: KnownKey): boolean => Buffer.compare(key.blob, blob) === 0;
  const plain = known.filter((key) => key.marker === undefined);
  const knownTypes = [...new Set(plain.map((key) => key.type))];
  const answer = (state: KeyJudgement['state'], keys: readonly KnownKey[]): KeyJudgement => ({
    state,
    where: keys.map((key) => key.where),
    knownTypes,
  });
  const revoked = known.filter((key) => key.marker === 'revoked' && same(key));
  if (revoked.length > 0) return answer('revoked', revoked);
  const equal = plain.filter(same);
  if (equal.length > 0) return answer('ok', equal);
  const others = plain.filter((key) => !key.bare);
  return others.length > 0 ? answer('changed', others) : answer('new', []);
}

function readLine(line: string, names: LookupNames, where: string): KnownKey | undefined {
  const fields = line.trim().split(/[ \t]+/);
  const first = fields[0] ?? '';
  if (first === '' || first.startsWith('#')) return undefined;
  const marker = first.startsWith('@') ? fields.shift()?.slice(1) : undefined;
  if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  const [hosts, type, encoded] = fields;
  if (hosts === undefined || type === undefined || encoded === undefined) return undefined;
  const exact = hostsMatch(hosts, names.name);
  const bare = !exact && names.bareName !== undefined && hostsMatch(hosts, names.bareName);
  if (!exact && !bare) return undefined;
  const blob = readKey(type, encoded);
  return blob === undefined ? undefined : { ...(marker === undefined ? {} : { marker }), type, blob, where, bare };
}

function readKey(type: string, encoded: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  return keyTypeOf(blob) === type ? blob : undefined;
}

/** One hashed name, or patterns by comma of which one matches and none that begins with `!`. */
function hostsMatch(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hashMatches(hosts, name);
  let matches = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchPattern(name, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return false;
    matches = true;
  }
  return matches;
}

function hashMatches(hosts: string, name: string): boolean {
  const [empty, version, salt, hash, ...rest] = hosts.split('|');
  if (empty !== '' || version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false;
  return hashName(name, Buffer.from(salt, 'base64')) === hosts;
}

/** `|1|salt|hash`, both in base64; the salt has 20 bytes (hostfile.c, host_hash). */
export function hashName(name: string, salt: Uint8Array): string {
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${Buffer.from(salt).toString('base64')}|${hash}`;
}
