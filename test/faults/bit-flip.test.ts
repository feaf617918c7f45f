/** A bit that changes at rest, in what the journal calls verified: found by the next run, and little is sent for it. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { KnownPiece } from '../../src/engine/resume/journal-records.ts';
import { readJournal } from '../../src/engine/resume/read-journal.ts';
import { NAME } from '../support/copy-scene.ts';
import { CONNECTIONS, journalOf, leftOver, rateFor, SIZE } from '../support/cut-copy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { flipBit } from '../support/flip-bit.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtputJson } from '../support/mtput.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const PIECE = 1024 * 1024;
/** What pieces that were begun are compared by. */
const CELL = 64 * 1024;

interface Case {
  readonly method: string;
  readonly start: () => Promise<TestServer>;
}

const CASES: readonly Case[] = [
  { method: 'shell', start: () => sshdForTest() },
  { method: 'check-file', start: () => proftpdForTest() },
];

async function verifiedIn(journal: string): Promise<readonly KnownPiece[]> {
  const known = (await readJournal(journal))?.content.pieces.list() ?? [];
  return known.filter(({ state }) => state === 'verified');
}

/** Bytes of the cells that are not there, or not right. */
function missingIn(partial: Buffer, source: Buffer): number {
  let missing = 0;
  for (let offset = 0; offset < source.length; offset += CELL) {
    const wanted = source.subarray(offset, offset + CELL);
    if (!partial.subarray(offset, offset + CELL).equals(wanted)) missing += wanted.length;
  }
  return missing;
}

describeWithServers(['sshd', 'proftpd'], 'one bit that flips at rest', () => {
  it.each(byTier(CASES.slice(1), CASES))(
    'in a verified piece: found by $method, and that piece alone is sent again',
    async (one) => {
      const server = await one.start();
      const source = await sourceForTest(SIZE);
      const proxy = await proxyForTest(server, { bytesPerSecond: rateFor(SIZE) });
      const to = { server, port: proxy.port, path: NAME };
      const args = ['-n', String(CONNECTIONS), '-s', '1M', '--digest-provider', one.method, '--verify', 'hash'];
      const cut = await startLiveRun([source.path], to, args);
      await cut.event('progress', ({ bytesDone }) => bytesDone > 0.6 * SIZE);
      // However long the verification takes, the file does not come to its end meanwhile.
      await proxy.reshape('all', { bytesPerSecond: rateFor(SIZE) / 20 });
      const areVerified = async () => (await verifiedIn(await journalOf(server))).length > 3;
      await waitFor(areVerified, { what: 'pieces that are verified by the journal', timeoutMs: 60_000 });
      cut.kill('SIGINT');
      expect((await cut.end()).code).toBe(130);
      await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });

      const verified = await verifiedIn(await journalOf(server));
      const piece = verified[Math.floor(verified.length / 2)]!;
      expect(piece).toMatchObject({ length: PIECE, digest: expect.any(String) });
      const partial = await leftOver(server.home);
      const missing = missingIn(await readFile(partial), await readFile(source.path));
      await flipBit(partial, piece.offset + PIECE / 2 + 99);

      await proxy.reshape('all', { bytesPerSecond: 1e9 });
      const run = await mtputJson([source.path], to, args);
      await expectArrived(run, server, NAME, source);
      const { bytesSent, bytesResumed, verified: by } = eventsOf(run, 'result')[0]!;
      expect(by).toMatchObject({ byDigest: SIZE });
      expect(bytesSent + bytesResumed).toBe(SIZE);
      expect(bytesSent - missing).toBeGreaterThan(0);
      expect(bytesSent - missing).toBeLessThanOrEqual(PIECE);
    },
  );
});
