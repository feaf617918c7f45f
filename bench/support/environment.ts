import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { run } from '../../test/support/process.ts';
import { repoRoot } from '../../test/support/repo-root.ts';
import { requireServer } from '../../test/support/servers.ts';
import { type RivalName, rivalVersion } from './rivals.ts';

/** What the figures depend on. Neither names nor paths: the file is public. */
export interface BenchEnvironment {
  readonly date: string;
  readonly node: string;
  readonly platform: string;
  readonly processors: number;
  readonly processor: string;
  /** Of mtput, sshd, ssh, and the rivals that took part. */
  readonly versions: Readonly<Record<string, string>>;
}

async function version(command: string): Promise<string> {
  // Up to 9.1 sshd does not know -V, but prints its version with the complaint.
  const { stdout, stderr } = await run(command, ['-V']);
  return /OpenSSH_[^\s,]+(?: [^\s,]+)?(?=,)/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}

export async function proftpdVersion(): Promise<string> {
  const { stdout, stderr } = await run(requireServer('proftpd'), ['-v']);
  return /Version (\S+)/.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown';
}

export async function benchEnvironment(rivals: readonly RivalName[] = []): Promise<BenchEnvironment> {
  const [sshd, ssh] = await Promise.all([version(requireServer('sshd')), version('ssh')]);
  const others = await Promise.all(rivals.map(async (name) => [name, await rivalVersion(name)] as const));
  const { version: mtput } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8'));
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    versions: { mtput, sshd, ssh, ...Object.fromEntries(others) },
  };
}
