/** The verifier of one file: 16,384 pieces that are acknowledged at once, as when most of a file is there already. */
import type { LocalDigests } from '../../../src/engine/local/local-digests.ts';
import { Scheduler } from '../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../src/engine/transfer/job-ledger.ts';
import type { DigestProvider } from '../../../src/engine/verify/digest-provider.ts';
import type { DigestProviders } from '../../../src/engine/verify/digest-providers.ts';
import { FileVerifier } from '../../../src/engine/verify/file-verifier.ts';
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
const local = {
  digest: async () => DIGEST,
  digests: async (ranges: readonly Range[]) => ranges.map(() => DIGEST),
} as Partial<LocalDigests> as LocalDigests;

export function verifier(): Promise<void> {
  const ledger = new JobLedger(new Scheduler(() => 0), 1, () => {});
  ledger.open({ size: TIB, pieceSize: PIECE_SIZE, only: undefined, claims: [] });
  const sides = {
    of: { stage: 'x' },
    fd: -1,
    local,
    back: async () => [],
    repeat: <T>(work: () => Promise<T>) => work(),
  };
  return new Promise((resolve, reject) => {
    const whole = { ...sides, size: TIB, pieceSize: PIECE_SIZE };
    const verifying = new FileVerifier(whole, ledger, providers, {
      onChanged: () => {
        if (!verifying.isSettled) return;
        if (verifying.verified.byDigest === TIB) resolve();
        else reject(new Error('Some pieces were not verified'));
      },
      onFailed: reject,
      onWrong: async () => reject(new Error('A piece was said to be wrong')),
    });
    const all = { offset: 0, length: TIB };
    ledger.acknowledge(all);
    verifying.onAcknowledged([all]);
  });
}
