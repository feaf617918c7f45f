/** What happens to a server and to the runs that copy one file to it, drawn from a seed. */
import type { Verify } from '../../../src/engine/transfer/verify.ts';
import { seeded } from '../seeded.ts';
import type { DigestHabit, Habits } from './model-server.ts';

const KIB = 1024;
/** See {@link flattered}. */
const FLATTERED_EVERY = 40;

/** Something that goes wrong, or is done, after so many requests have arrived since the phase began. */
export interface Fault {
  readonly after: number;
  readonly kind:
    | 'lose one'
    | 'lose all'
    | 'crash'
    | 'deafen one'
    | 'mute one'
    | 'mute all'
    | 'slow one'
    | 'slow all'
    | 'refuse'
    | 'ignore'
    | 'fail write'
    | 'fail sync'
    | 'fail close'
    | 'fail rename'
    | 'spoil write'
    | 'spoil all'
    | 'lose digests'
    | 'change source'
    | 'stop'
    | 'kill';
  /** Duration or number, as the kind needs it. */
  readonly amount: number;
}

export interface RunPlan {
  readonly machine: 0 | 1;
  readonly version: 'A' | 'B';
  readonly verify: Verify;
  readonly connections: number;
  readonly resumes: boolean;
}

export interface Phase {
  /** Before it begins. */
  readonly pauseMs: number;
  /** Whether the machine has lost its journals. */
  readonly forgetsJournals: boolean;
  readonly run: RunPlan;
  /** A second run, which begins after so many requests. */
  readonly rival: (RunPlan & { readonly after: number }) | undefined;
  readonly faults: readonly Fault[];
}

export interface Scenario {
  readonly seed: number;
  /** Bytes of the versions of the source, and of what was at the target before, if anything was. */
  readonly sizes: { readonly A: number; readonly B: number; readonly old: number | undefined };
  readonly habits: Habits;
  readonly phases: readonly Phase[];
}

type Draw = () => number;

function pick<T>(draw: Draw, values: readonly T[]): T {
  return values[Math.floor(draw() * values.length)]!;
}

function between(draw: Draw, least: number, most: number): number {
  return Math.floor(least + draw() * (most - least + 1));
}

/** More often small. */
function soon(draw: Draw, most: number): number {
  return Math.floor(Math.exp(draw() * Math.log(most)));
}

export function drawScenario(seed: number): Scenario {
  const draw = seeded(seed);
  const size = (): number =>
    pick(draw, [
      () => pick(draw, [0, 1, 64 * KIB, 64 * KIB + 1, 128 * KIB]),
      () => between(draw, 65 * KIB, 400 * KIB),
      () => between(draw, 65 * KIB, 700 * KIB),
      () => between(draw, 1200 * KIB, 1500 * KIB),
    ])();
  const A = size();
  const habits = drawHabits(draw, A);
  // What spoils bytes can be noticed only where they are compared.
  const spoils = draw() < 0.2 && habits.readsBack && Object.values(habits.digests).every((habit) => habit === 'honest');
  const count = between(draw, 1, 3);
  const phases = Array.from({ length: count }, (_, index) => drawPhase(draw, spoils, index === 0));
  const scenario: Scenario = {
    seed,
    sizes: { A, B: draw() < 0.6 ? A : size(), old: draw() < 0.5 ? undefined : between(draw, 0, 200 * KIB) },
    habits,
    phases,
  };
  return seed % FLATTERED_EVERY === 0 ? flattered(scenario) : scenario;
}

/**
 * Digests that say from the first one on that all is right, of bytes that are all stored wrong: only the trial can find
 * that out. A run that demands digests must not succeed.
 */
function flattered({ phases: [phase], ...scenario }: Scenario): Scenario {
  const habits: Habits = { ...scenario.habits, writers: 'many', readsBack: true, digests: { shell: 'flattering' } };
  const faults = phase!.faults.filter(({ kind }) => kind.startsWith('lose'));
  const run: RunPlan = { ...phase!.run, machine: 0, version: 'A', verify: 'hash' };
  const spoiling: Fault = { after: 1, kind: 'spoil all', amount: 1 };
  return { ...scenario, habits, phases: [{ ...phase!, run, rival: undefined, faults: [spoiling, ...faults] }] };
}

function drawHabits(draw: Draw, size: number): Habits {
  const honesty = pick<DigestHabit>(draw, ['honest', 'honest', 'honest', 'wrong', 'fickle', 'missing', 'hang']);
  const digests = pick<Habits['digests']>(draw, [
    {},
    { 'check-file': honesty },
    { shell: 'honest' },
    { 'check-file': honesty, helper: 'honest' },
    { helper: honesty, shell: honesty },
  ]);
  const slowest = size / 120;
  return {
    writers: pick(draw, ['many', 'many', 'many', 'unknown', 'unknown', 'append', 'private', 'refuse', 'truncate']),
    hasSync: draw() < 0.8,
    readsBack: draw() < 0.85,
    copiesFiles: draw() < 0.8,
    digests,
    oneWayMs: pick(draw, [1, 5, 20, 100]),
    bytesPerSecond: Math.max(slowest, pick(draw, [10_000_000, 1_000_000, 100_000, 20_000])),
    slowWorkMs: pick(draw, [1, 50, 1000, 5000]),
  };
}

function drawPhase(draw: Draw, spoils: boolean, isFirst: boolean): Phase {
  const run = drawRun(draw, spoils);
  const hasRival = draw() < 0.2;
  const other = drawRun(draw, spoils);
  // A machine has one source.
  const version = run.machine === 1 ? run.version : other.version;
  const rival = hasRival ? ({ ...other, version, machine: 1, after: soon(draw, 200) } as const) : undefined;
  const faults = Array.from({ length: between(draw, 0, 4) }, () => drawFault(draw));
  if (spoils) faults.push({ after: soon(draw, 60), kind: 'spoil write', amount: between(draw, 1, 3) });
  const ending = draw();
  if (ending < 0.35) faults.push({ after: soon(draw, 250), kind: 'stop', amount: 0 });
  // Of two runs in one process none can be killed alone.
  else if (ending < 0.7 && rival === undefined) faults.push({ after: soon(draw, 250), kind: 'kill', amount: 0 });
  return {
    pauseMs: isFirst ? 0 : pick(draw, [0, 0, 1000, 30_000, 26 * 60 * 60_000]),
    forgetsJournals: !isFirst && draw() < 0.2,
    run,
    rival,
    faults: faults.sort((a, b) => a.after - b.after),
  };
}

function drawRun(draw: Draw, spoils: boolean): RunPlan {
  return {
    machine: draw() < 0.8 ? 0 : 1,
    version: draw() < 0.7 ? 'A' : 'B',
    verify: spoils
      ? pick(draw, ['hash', 'read-back'])
      : pick(draw, ['auto', 'auto', 'auto', 'hash', 'read-back', 'size']),
    connections: between(draw, 1, 4),
    resumes: draw() < 0.9,
  };
}

function drawFault(draw: Draw): Fault {
  const kind = pick<Fault['kind']>(draw, [
    'lose one',
    'lose one',
    'lose one',
    'lose one',
    'lose all',
    'lose all',
    'crash',
    'crash',
    'deafen one',
    'mute one',
    'mute all',
    'slow one',
    'slow all',
    'refuse',
    'ignore',
    'fail write',
    'fail sync',
    'fail close',
    'fail rename',
    'lose digests',
    'change source',
  ]);
  const amounts: Partial<Record<Fault['kind'], readonly number[]>> = {
    'slow one': [0.1, 0.5],
    'slow all': [0.3, 0.5],
    refuse: [500, 5000, 40_000],
    ignore: [500, 5000, 40_000],
  };
  return { after: soon(draw, 250), kind, amount: pick(draw, amounts[kind] ?? [1]) };
}
