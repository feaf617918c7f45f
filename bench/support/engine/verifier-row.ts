/** The verifier of one file: 16,384 pieces that are acknowledged at once, as when most of a file is there already. */
import { Scheduler } from '../../../src/engine/schedule/scheduler.ts';
import type { DigestProvider, DigestProviders } from '../../../src/engine/verify/digest-providers.ts';
import { FileVerifier } from '../../../src/engine/verify/file-verifier.ts';
import type { LocalDigests } from '../../../src/engine/verify/local-digests.ts';
import type { Range } from '../../../src/remotes/remote.ts';
import { PIECE_SIZE, TIB } from './engine-scene.ts';

const DIGEST = Buffer.alloc(32, 1);
const provider: DigestProvider = { method: 'check-file', algorithm: 'sha256', maxRangeLength: TIB };

/** Digests that cost nothing: only what is done with them is measured. */
const providers = {
  inUse: 'check-file',
  trusted: async () => provider,
  ask: async (_provider: DigestProvider, _of: object, ranges: readonly Range[]) => ranges.map(() => DIGEST),
  drop: () => {},
} as Partial<DigestProviders> as DigestProviders;
const local = { digest: async () => DIGEST } as Partial<LocalDigests> as LocalDigests;

export function verifier(): Promise<void> {
  const scheduler = new Scheduler(() => 0);
  scheduler.addFile(1, TIB, PIECE_SIZE);
  const sides = { of: {}, fd: -1, local, back: async () => [], retryForMs: 1000 };
  return new Promise((resolve, reject) => {
    const whole = { ...sides, file: 1, size: TIB, pieceSize: PIECE_SIZE };
    const verifying = new FileVerifier(whole, scheduler, providers, {
      changed: () => {
        if (!verifying.isSettled) return;
        if (verifying.verified.byDigest === TIB) resolve();
        else reject(new Error('Some pieces were not verified'));
      },
      failed: reject,
      wrong: async () => reject(new Error('A piece was said to be wrong')),
    });
    const all = { offset: 0, length: TIB };
    scheduler.acknowledgedElsewhere(1, all);
    verifying.acknowledged([all]);
  });
}
