import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import programs from './server-programs.json' with { type: 'json' };

/**
 * A server, or another program that tests need; `shasum` is there where perl has its module Digest::SHA. The library
 * `libatomic` is what Node 26 is linked with.
 */
export type ServerName =
  | 'sshd'
  | 'sftp-server'
  | 'ssh'
  | 'ssh-keygen'
  | 'proftpd'
  | 'python3'
  | 'shasum'
  | 'openssl'
  | 'rsync'
  | 'libatomic';

/** What a test needs of the machine. */
export type Need = ServerName | 'root';

const SERVERS: readonly ServerName[] = ['sshd', 'sftp-server', 'ssh', 'proftpd'];
/** Their keys are made with it. */
const WITH_KEYS: readonly ServerName[] = ['sshd', 'proftpd'];

function find(name: keyof typeof programs): string | undefined {
  return programs[name].paths.find((path) => existsSync(path));
}

/** Why it cannot be used here, in words; nothing when it can. */
function obstacle(name: Need): string | undefined {
  const isRoot = process.getuid?.() === 0;
  if (name === 'root') return isRoot ? undefined : 'it needs root';
  if (!find(name)) return `${name} is not installed (Debian: ${programs[name].debianPackage})`;
  if (WITH_KEYS.includes(name) && !find('ssh-keygen')) return obstacle('ssh-keygen');
  if (name !== 'proftpd') return undefined;
  if (!find('mod_sftp')) return `proftpd has no mod_sftp (Debian: ${programs.mod_sftp.debianPackage})`;
  return isRoot ? undefined : 'proftpd needs root';
}

/** The program's path; an error that says what is missing if there is none. */
export function requireServer(name: ServerName): string {
  const path = find(name);
  const reason = obstacle(name);
  if (path === undefined || reason !== undefined) throw new Error(reason);
  return path;
}

export function moduleDirectory(): string {
  const module = find('mod_sftp');
  if (module === undefined) throw new Error('proftpd has no mod_sftp');
  return dirname(module);
}

/** One sentence for each server that cannot be used here. */
export function missingServers(names: readonly Need[] = SERVERS): string[] {
  return [...new Set(names.map(obstacle).filter((reason) => reason !== undefined))];
}
