import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import programs from './server-programs.json' with { type: 'json' };

export type ServerName = 'sshd' | 'sftp-server' | 'ssh' | 'proftpd';

function find(name: keyof typeof programs): string | undefined {
  return programs[name].paths.find((path) => existsSync(path));
}

/** Why the server cannot be used here, in words; nothing when it can. */
function obstacle(name: ServerName): string | undefined {
  if (!find(name)) return `${name} is not installed (Debian: ${programs[name].debianPackage})`;
  if (name !== 'proftpd') return undefined;
  if (!find('mod_sftp')) return `proftpd has no mod_sftp (Debian: ${programs.mod_sftp.debianPackage})`;
  return process.getuid?.() === 0 ? undefined : 'proftpd needs root';
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
export function missingServers(names: readonly ServerName[] = ['sshd', 'sftp-server', 'ssh', 'proftpd']): string[] {
  return names.map(obstacle).filter((reason) => reason !== undefined);
}
