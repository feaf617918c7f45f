import { describe, expect, it } from 'vitest';
import type { ProfileResults } from '../../../bench/support/profile/profile-tables.ts';
import { reportText } from '../../../bench/support/report-text.ts';
import { bulk, environment, resume, verify } from './sample-results.ts';

function profile(encryption: number): ProfileResults {
  return {
    scene: 'profile',
    ...environment,
    bytes: 2 ** 30,
    cipher: 'aes128-gcm@openssh.com',
    connections: 2,
    seconds: 2.5,
    cpuSeconds: 2.25,
    threads: 1,
    groups: [
      { group: 'encryption', seconds: encryption },
      { group: 'idle', seconds: 1 },
    ],
    functions: [{ name: 'encrypt', module: 'ssh2/lib/protocol/crypto.js', group: 'encryption', seconds: encryption }],
  };
}

describe('reportText', () => {
  it('has a section for each scene that has results', () => {
    const text = reportText({ bulk });
    expect(text.split('\n').filter((line) => line.length > 120)).toEqual([]);
    expect(text.match(/^## .*/gm)).toEqual(['## As fast as the processor']);
    expect(text).toContain('An upload of 2 GiB over loopback');
    expect(text.replaceAll('\n', ' ')).toContain(
      '`npm run bench -- bulk` · 2030-01-02 03:04 UTC · 2 × Example · linux x64 · Node v20.0.0 · mtput 0.1.0 · sshd OpenSSH_9.2',
    );
    expect(text).toContain('| mtput -n 2 | 1 | 1.80 | 0.90 | 1.50 | 66 |');
    expect(text).toContain('- mtput, time ÷ scp: 0.9 (at most 0.9 is wanted): holds\n');
    expect(text).toContain('MISSED');
  });

  it('sets profiles side by side', () => {
    const text = reportText({ 'profile-before': profile(0.5), 'profile-after': profile(0.25) });
    expect(text).toContain('| seconds of | before | after |\n|---|---:|---:|\n| encryption | 0.50 | 0.25 |');
    expect(text).toContain('| all but idle | 0.50 | 0.25 |');
    expect(text).toMatch(/^- before: `npm run bench -- profile --as before` · 2\.50 s, 2\.25 s of processor in all/m);
    expect(text.match(/^### .*/gm)).toEqual(['### Functions, before', '### Functions, after']);
  });

  it('is the same for the same results, and has an end without any', () => {
    expect(reportText({ bulk })).toBe(reportText(structuredClone({ bulk })));
    expect(reportText({})).toMatch(/memory are those of the client\.\n$/);
  });

  it('shows digests after the bulk they belong to, also without bars', () => {
    const text = reportText({ verify, resume, bulk });
    expect(text.match(/^## .*/gm)).toEqual(['## As fast as the processor', '## What digests cost', '## Run it again']);
    expect(text).toContain('| proftpd, digests by check-file | 1 | 4.00 | - | 2.00 | - | - |\n\n## Run it again\n');
    expect(text).not.toContain('\n\n\n');
  });

  it('does not mind files of scenes it does not know', () => {
    expect(reportText({ bulk, other: {} })).toBe(reportText({ bulk }));
  });
});
