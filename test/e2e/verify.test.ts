/** What `--verify`, `--algo` and `--digest-provider` promise, with servers that can hash and servers that cannot. */
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { type Bed, describeOn, describeOnEach } from '../support/each-server.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { sourceForTest } from '../support/for-one-test.ts';
import { eventsOf, type JsonRun, mtget, mtput, mtputJson, noticesOf } from '../support/mtput.ts';
import { writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { startSshd } from '../support/sshd.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

/** The last piece is shorter. */
const SIZE = 3_000_001;
const NAME = 'arrived.bin';
const args = ['-n', '3', '-s', '64K'];
const nothing = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };
/** In which it is found out that there is nothing to hash with, with room for a machine that has other things to do. */
const RECOGNISED_MS = 5000 + 7000;

const MEANINGS = [
  ['read-back', { byReadBack: SIZE }],
  ['hash', { byDigest: SIZE }],
  ['auto', { byDigest: SIZE }],
  ['size', { bySize: SIZE }],
  ['none', { notVerified: SIZE }],
] as const;

const verifiedBy = (run: JsonRun) => eventsOf(run, 'result')[0]?.verified;
const notices = (run: JsonRun) => noticesOf(run).map(({ code }) => code);

const ALGORITHMS = ['sha512', 'md5', 'sha1', 'sha256'] as const;

interface Extent {
  readonly meanings: readonly (typeof MEANINGS)[number][];
  readonly algorithms: readonly (typeof ALGORITHMS)[number][];
}

const ALL: Extent = { meanings: MEANINGS, algorithms: ALGORITHMS };

function verificationSuite(bed: Bed, { meanings, algorithms }: Extent): void {
  const put = async (more: readonly string[]) => {
    const source = await sourceForTest(SIZE);
    const run = await mtputJson([source.path], { server: bed.server, path: NAME }, [...args, ...more]);
    await expectArrived(run, bed.server, NAME, source);
    return run;
  };

  it.for(meanings)('--verify %s says what was done, and did it', async ([verify, verified]) => {
    const run = await put(['--verify', verify]);
    expect(verifiedBy(run)).toEqual({ ...nothing, ...verified });
    expect(notices(run)).toEqual([]);
  });

  it.each(algorithms)('--algo %s', async (algorithm) => {
    const run = await put(['--verify', 'hash', '--algo', algorithm]);
    expect(verifiedBy(run)).toEqual({ ...nothing, byDigest: SIZE });
  });

  // proftpd runs no commands: there it is the same for any user.
  const withoutProvider = () => {
    it('a provider that is not there leaves the size', async () => {
      const run = await put(['--digest-provider', 'helper']);
      expect(verifiedBy(run)).toEqual({ ...nothing, bySize: SIZE });
      expect(notices(run)).toEqual(['no-digests']);
    });
  };
  if (bed.kind === 'sshd') withoutProvider();
  else inLongerTiers(withoutProvider);
}

// Each has a provider of its own; that they say what was done is the same.
describeOnEach(
  'verification',
  (bed) => verificationSuite(bed, byTier({ meanings: MEANINGS.slice(0, 2), algorithms: ['sha512'] }, ALL)),
  (bed) => verificationSuite(bed, byTier({ meanings: MEANINGS.slice(1, 2), algorithms: ['md5'] }, ALL)),
);

describeOn(
  'sshd',
  'verification where nothing can hash',
  (bed) => {
    const put = async (more: readonly string[]) => {
      const source = await sourceForTest(SIZE);
      const startedAt = performance.now();
      const run = await mtput([source.path], { server: bed.server, path: NAME }, [...args, ...more]);
      expect(performance.now() - startedAt).toBeLessThan(RECOGNISED_MS);
      return run;
    };

    it.for(['auto', ...byTier([], ['md5'])])(
      '9, and nothing is made there: --verify hash --algo %s',
      async (algorithm) => {
        const run = await put(['--verify', 'hash', '--algo', algorithm]);
        expectFailure(run, 9, /no way to make digests/, /--verify read-back/);
        expect(await readdir(bed.server.home)).toEqual([]);
      },
    );

    it('auto: one line says that it is by size', async () => {
      const run = await put(['--verify', 'auto']);
      expectSuccess(run);
      expect(run.stderr.split('\n').filter((line) => /hash|digest/.test(line))).toEqual([
        'The server cannot hash what it has: verified by size.',
      ]);
      expect(run.stderr).toMatch(/, verified by size\n$/);
    });

    it('a download says what cannot be known', async () => {
      await writeRandomFile(`${bed.server.home}/${NAME}`, SIZE);
      const run = await mtget({ server: bed.server, paths: [NAME] }, bed.dir.file(NAME), args);
      expectSuccess(run);
      expect(run.stderr).toMatch(
        /^The server cannot hash .* A change that left size and time .* not have been noticed\.$/m,
      );
      expect(run.stderr).toMatch(/, verified by size\n$/);
    });
  },
  () => startSshd({ forceSftp: true }),
);
