/** The promises of a transfer, as far as they can be seen when a run has ended. What has to hold at every moment is
 * checked by the model server itself. */
import type { TransferEvent } from '../../../src/engine/events.ts';
import { openDescriptors } from './local-disk.ts';
import type { RunMark } from './model-inode.ts';
import type { ModelRemote } from './model-remote.ts';
import type { ModelServer } from './model-server.ts';
import type { Fault, RunPlan } from './scenario.ts';
import { PIECE_SIZE, RETRY_FOR_MS, type RunOutcome } from './start-run.ts';

/** A run that is stopped has so long to keep what it has sent. */
const STOP_LIMIT_MS = 10_000;

export interface PlayedRun {
  readonly plan: RunPlan;
  readonly mark: RunMark;
  readonly remote: ModelRemote;
  /** `quiet`: nothing goes wrong, but what earlier runs sent may come late; `still`: not even that. */
  readonly circumstances: 'faults' | 'quiet' | 'still';
  readonly startedMs: number;
  endedMs: number;
  readonly stop: AbortController;
  stoppedMs: number | undefined;
  isKilled: boolean;
  /** What has gone wrong in this phase. */
  readonly faults: Set<Fault['kind']>;
  /** Runs that were at work at the same time. */
  readonly rivals: Set<PlayedRun>;
  /** The longest time in which no bytes and no digests came, and none were acknowledged. */
  longestSilenceMs: number;
  readonly events: TransferEvent[];
  outcome: RunOutcome | undefined;
  /** What it may have copied: more than one only where the source changed. */
  readonly sources: Buffer[];
}

export interface Surroundings {
  readonly server: ModelServer;
  /** Files in the directory of its journals. */
  readonly journals: readonly string[];
}

export function checkRun(run: PlayedRun, around: Surroundings): void {
  const { server } = around;
  const expect = (holds: boolean, what: string): void => {
    if (!holds) server.broken.push(`Run ${run.mark.number}: ${what}`);
  };
  const { error } = run.outcome!;
  if (error === undefined) checkSuccess(run, around, expect);
  else checkFailure(run, around, error.code, expect);
  checkNothingLeft(run, expect);
  if (run.stoppedMs !== undefined) {
    expect(run.endedMs - run.stoppedMs <= STOP_LIMIT_MS, `it took ${run.endedMs - run.stoppedMs} ms to stop.`);
  }
}

type Expect = (holds: boolean, what: string) => void;

function checkSuccess(run: PlayedRun, { server, journals }: Surroundings, expect: Expect): void {
  const { plan, mark, sources, outcome, rivals, events } = run;
  const own = server.publishings.filter(({ by }) => by.number === mark.number);
  expect(own.length === 1, `it says that it is done, and has published ${own.length} times.`);
  const last = server.publishings.at(-1);
  const wasReplaced = last?.by.number !== mark.number && (rivals.size > 0 || last?.isLate === true);
  const bytes = server.at(server.target)?.bytes;
  const isSource = (there: Buffer | undefined): boolean => sources.some((source) => there?.equals(source));
  if (!wasReplaced) expect(isSource(bytes), 'it says that it is done, and the target is not its source.');
  expect(!run.remote.isOvertaken, 'it replaced what another run had published meanwhile.');
  const { byDigest, byReadBack } = outcome!.verified;
  if (plan.verify === 'hash' || plan.verify === 'read-back') {
    const isAll = sources.some(({ length }) => length === byDigest + byReadBack);
    expect(isAll, `it verified ${byDigest + byReadBack} bytes of ${bytes?.length}.`);
  }
  if (Object.values(server.habits.digests).every((habit) => habit === 'wrong' || habit === 'missing')) {
    expect(byDigest === 0, `it believed ${byDigest} digests that are wrong.`);
  }
  // What is sent as quickly as it is looked at has nothing to do with journals.
  const hasJournal = sources.every(({ length }) => length > PIECE_SIZE);
  expect(!hasJournal || journals.length === 0, `it is done, and its journal is left: ${journals.join(', ')}.`);
  // What is sent as quickly as it is looked at is sent.
  if (run.circumstances === 'faults' || !hasJournal) return;
  const told = events.flatMap((event) => (event.type === 'notice' ? [event.message] : [])).join('\n');
  for (const path of server.stagedNames()) {
    const isLate = server.lastLateMs >= run.startedMs;
    expect(isLate || told.includes(path), `${path} is left, and nobody was told.`);
  }
}

function checkFailure(run: PlayedRun, { server }: Surroundings, code: string, expect: Expect): void {
  const { faults, rivals, circumstances, plan } = run;
  const isAllowed = ((): boolean => {
    switch (code) {
      case 'cancelled':
        return run.stoppedMs !== undefined;
      case 'target-busy':
        // A crash may change what another run has left between the two looks at it.
        return rivals.size > 0 || server.lastLateMs >= run.startedMs || faults.has('crash');
      case 'target-locked':
        return [...rivals].some(({ plan: other }) => other.machine === plan.machine);
      case 'source-changed':
        return faults.has('change source');
      case 'no-digests':
        // A rival that does not resume may remove what digests are tried on.
        return plan.verify === 'hash' && (faults.has('lose digests') || rivals.size > 0 || !hasHonestDigests(server));
      case 'integrity':
        return faults.has('spoil write') || ['append', 'private', 'truncate'].includes(server.habits.writers);
      case 'destination-refused':
        return faults.has('fail write') || faults.has('fail sync') || hasToldFailure(run, server);
      case 'no-space':
        return faults.has('fail close');
      case 'rename-refused':
        return faults.has('fail rename');
      case 'partial-refused':
        return rivals.size > 0;
      case 'destination-permission':
        return plan.verify === 'read-back' && (!server.habits.readsBack || server.habits.writers === 'private');
      case 'no-connection':
      case 'connection-lost':
      case 'connection-stalled':
      case 'connection-refused':
      case 'connection-failed':
        return run.longestSilenceMs >= 0.9 * RETRY_FOR_MS;
      default:
        return false;
    }
  })();
  const { message } = run.outcome!.error!;
  expect(isAllowed, `it failed with ${code} (${message}), and ${[...faults].join(', ') || 'nothing'} had gone wrong.`);
  const isLate = server.lastLateMs >= run.startedMs;
  const mayFail = isLate || code === 'destination-permission' || hasToldFailure(run, server);
  if (circumstances !== 'faults') expect(mayFail, `nothing went wrong, and it failed with ${code} (${message}).`);
}

/** The disk may have failed in an earlier run, which was gone when that was told. */
function hasToldFailure(run: PlayedRun, server: ModelServer): boolean {
  return server.lastSyncFailureMs >= run.startedMs;
}

function hasHonestDigests({ habits }: ModelServer): boolean {
  const kinds = Object.values(habits.digests);
  return (
    habits.readsBack && habits.writers !== 'private' && kinds.length > 0 && kinds.every((habit) => habit === 'honest')
  );
}

function checkNothingLeft(run: PlayedRun, expect: Expect): void {
  expect(run.remote.open.length === 0, `${run.remote.open.length} connections are left open.`);
  if (run.rivals.size === 0) expect(openDescriptors() === 0, `${openDescriptors()} local files are left open.`);
}
