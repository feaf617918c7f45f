/** Suites that run against a real sshd and a real proftpd alike. */
import { afterAll, beforeAll } from 'vitest';
import { describeWithServers } from './describe-with-servers.ts';
import { startProftpd } from './proftpd.ts';
import type { Need } from './servers.ts';
import { startSshd } from './sshd.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import type { TestServer } from './test-server.ts';
import { byTier } from './tier.ts';

export type ServerKind = 'sshd' | 'proftpd';

/** A server and a directory for sources; both are there while tests run. */
export interface Bed {
  readonly kind: ServerKind;
  readonly server: TestServer;
  readonly dir: TempDir;
}

const starters = { sshd: startSshd, proftpd: startProftpd };

/** `title` on a server that `start` gives; `needs`: what that needs beside the server. */
export function describeOn(
  kind: ServerKind,
  title: string,
  suite: (bed: Bed) => void,
  start: () => Promise<TestServer> = starters[kind],
  needs: readonly Need[] = [],
): void {
  describeWithServers([kind, ...needs], `${title}, ${kind}`, () => {
    let server: TestServer | undefined;
    let dir: TempDir | undefined;
    beforeAll(async () => {
      [server, dir] = await Promise.all([start(), makeTempDir('sources')]);
    });
    afterAll(async () => {
      await Promise.all([server?.stop(), dir?.remove()]);
    });
    suite({
      kind,
      get server() {
        return server as TestServer;
      },
      get dir() {
        return dir as TempDir;
      },
    });
  });
}

/**
 * `title` on both servers. `npm test` has the whole suite on sshd, and on proftpd what `sample` defines; without a
 * sample it is left out there.
 */
export function describeOnEach(title: string, suite: (bed: Bed) => void, sample?: (bed: Bed) => void): void {
  describeOn('sshd', title, suite);
  const onProftpd = byTier(sample, suite);
  if (onProftpd !== undefined) describeOn('proftpd', title, onProftpd);
}
