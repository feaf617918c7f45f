/**
 * Finds the keys of a host in known_hosts files. The format is defined in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT";
 * parsing and matching follow OpenSSH's hostfile.c and sshconnect.c. These functions work on text alone, without any
 * I/O.
 */
import { createHmac } from 'node:crypto';
import { keyTypeOf } from './host-key.ts';
import { matchPatterns } from './match-pattern.ts';

/** The names under which a host is looked up. */
export interface LookupNames {
  /** Lower case; `[host]:port` where the port is not 22. */
  readonly name: string;
  /**
   * The name without the port, where that is not 22. A line with it can confirm a key or revoke it, but another key in
   * it does not mean that the key of the host has changed.
   */
  readonly bareName?: string;
}

/** One line that applies to the host. */
export interface KnownKey {
  readonly marker?: 'revoked' | 'cert-authority';
  readonly type: string;
  readonly blob: Uint8Array;
  /** `file:line`. */
  readonly where: string;
  /** Whether it applies only to the bare name. */
  readonly isBare: boolean;
}

export interface KnownHostsFile {
  readonly file: string;
  readonly text: string;
}

/** What is known about the key of a server. */
export interface KeyJudgement {
  readonly state: 'ok' | 'new' | 'changed' | 'revoked';
  /** The lines that decided it, as `file:line`. */
  readonly where: readonly string[];
  /** The types of the keys that are known for the host, without repetition. */
  readonly knownTypes: readonly string[];
}

/** `alias` replaces the whole name including the port (`HostKeyAlias`). */
export function lookupNames(host: string, port: number, alias?: string): LookupNames {
  if (alias !== undefined) return { name: alias.toLowerCase() };
  const bareName = host.toLowerCase();
  return port === 22 ? { name: bareName } : { name: `[${bareName}]:${port}`, bareName };
}

/** Every line of `files` that applies to the host; malformed lines are ignored. */
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

/** Judges the key `blob` by the lines that {@link findKnownKeys} returned. */
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
  const others = plain.filter((key) => !key.isBare);
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
  const isBare = !exact && names.bareName !== undefined && hostsMatch(hosts, names.bareName);
  if (!exact && !isBare) return undefined;
  const blob = readKey(type, encoded);
  if (blob === undefined) return undefined;
  return { ...(marker === undefined ? {} : { marker }), type: keyTypeOf(blob) ?? type, blob, where, isBare };
}

/** Names of signatures by RSA keys, with which ssh takes a line too (sshkey.c, `sshkey_type_from_name`). */
const RSA_SIGNATURES = ['rsa-sha2-256', 'rsa-sha2-512'];

function readKey(type: string, encoded: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  return keyTypeOf(blob) === (RSA_SIGNATURES.includes(type) ? 'ssh-rsa' : type) ? blob : undefined;
}

/** `hosts` is a hashed name, or patterns separated by commas, of which one must match and none of those with `!`. */
function hostsMatch(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hashMatches(hosts, name);
  return matchPatterns(name, hosts.toLowerCase().split(','));
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
