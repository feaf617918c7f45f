import type { BenchEnvironment } from '../../../bench/support/environment.ts';
import type { SceneResults } from '../../../bench/support/scene-results.ts';

export const environment: BenchEnvironment = {
  date: '2030-01-02T03:04:05.678Z',
  node: 'v20.0.0',
  platform: 'linux x64',
  processors: 2,
  processor: 'Example',
  versions: { mtput: '0.1.0', sshd: 'OpenSSH_9.2', ssh: 'OpenSSH_9.2', lftp: '4.9.2' },
};

export const bulk: SceneResults = {
  scene: 'bulk',
  ...environment,
  bytes: 2 ** 31,
  connections: 2,
  cipher: 'aes128-gcm@openssh.com',
  landsIn: 'memory',
  median: { mtput: { label: 'mtput -n 2' }, scp: { label: 'scp' } },
  runs: [
    { tool: 'mtput', seconds: 1.8, cpuSeconds: 3, maxRssMiB: 65.5 },
    { tool: 'scp', seconds: 2 },
  ],
};

export const verify: SceneResults = {
  scene: 'verify',
  ...environment,
  bytes: 2 ** 30,
  connections: 2,
  cipher: 'aes128-gcm@openssh.com',
  landsIn: 'memory',
  median: {
    'sshd-none': { label: 'sshd, --verify none' },
    'sshd-shell': { label: 'sshd, digests by its shell' },
    'proftpd-check-file': { label: 'proftpd, digests by check-file' },
  },
  runs: [
    { tool: 'sshd-none', seconds: 2, cpuSeconds: 1.5 },
    { tool: 'sshd-shell', seconds: 3, cpuSeconds: 2.25 },
    { tool: 'proftpd-check-file', seconds: 4, cpuSeconds: 2 },
  ],
};

export const resume: SceneResults = {
  scene: 'resume',
  ...environment,
  bytes: 2 ** 30,
  missingBytes: 0.05 * 2 ** 30,
  connections: 2,
  cipher: 'aes128-gcm@openssh.com',
  landsIn: 'memory',
  median: { digests: {}, missing: {}, resume: { label: 'run again' } },
  runs: [
    { tool: 'digests', seconds: 2 },
    { tool: 'missing', seconds: 0.5 },
    { tool: 'resume', seconds: 2.6, bytesSent: 0.05 * 2 ** 30 },
  ],
};
