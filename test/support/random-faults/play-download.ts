/** Plays downloads of one file under random faults, drawn from a seed, and says which promises were broken. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { TransferEvent } from '../../../src/engine/events.ts';
import type { Verify } from '../../../src/engine/transfer/verify.ts';
import { seeded } from '../seeded.ts';
import { contents } from '../upload-scene.ts';
import type { ClientClock } from './client-clock.ts';
import { closeDescriptors, diskTroubles, losePower, openPaths, renames, stopDiskTroubles } from './local-disk.ts';
import { STALL_MS } from './model-line.ts';
import { freeLocks } from './model-lock.ts';
import { ModelRemote } from './model-remote.ts';
import { type DigestHabit, type Habits, ModelServer } from './model-server.ts';
import { type Played, type PlayedWorld, playWorld } from './play-scenario.ts';
import { RETRY_FOR_MS, type RunOutcome, startRun } from './start-run.ts';

const KIB = 1024;
const SOURCE = '/home/f';
/** A run that is not over by then hangs. */
const RUN_LIMIT_MS = 2 * 60 * 60_000;
const WIND_DOWN_MS = 2000;
const STOP_LIMIT_MS = 10_000;

const KINDS = [
  'lose one',
  'lose one',
  'lose all',
  'crash',
  'deafen one',
  'mute one',
  'mute all',
  'slow one',
  'refuse',
  'ignore',
  'lose digests',
  'spoil read',
  'fail local write',
  'fail local sync',
  'fail local rename',
  'replace source',
  'rewrite source',
] as const;

/** After these, a while passes until the run can go on. */
const SILENT: ReadonlySet<string> = new Set(['deafen one', 'mute one', 'mute all', 'refuse', 'ignore']);

type Ending = 'stop' | 'kill' | 'lose power' | 'kill before rename' | 'kill after rename';
type Kind = (typeof KINDS)[number] | Ending;

interface Fault {
  /** Requests that have arrived since the phase began. */
  readonly after: number;
  readonly kind: Kind;
}

interface Phase {
  readonly pauseMs: number;
  readonly forgetsJournal: boolean;
  readonly verify: Verify;
  readonly connections: number;
  readonly resumes: boolean;
  readonly faults: readonly Fault[];
}

interface Scenario {
  readonly size: number;
  /** Bytes of what was at the target before; undefined: nothing. */
  readonly old: number | undefined;
  readonly inplace: boolean;
  readonly habits: Habits;
  readonly phases: readonly Phase[];
}

type Draw = () => number;

function pick<T>(draw: Draw, values: readonly T[]): T {
  return values[Math.floor(draw() * values.length)]!;
}

function drawScenario(seed: number): Scenario {
  const draw = seeded(seed);
  const soon = (most: number): number => Math.floor(Math.exp(draw() * Math.log(most)));
  const size = pick(draw, [0, 1, 64 * KIB, 100 * KIB, 300 * KIB, 700 * KIB, 1400 * KIB]) + pick(draw, [0, 0, 1, 4321]);
  const honesty = pick<DigestHabit>(draw, ['honest', 'honest', 'honest', 'wrong', 'fickle', 'missing', 'hang']);
  const digests = pick<Habits['digests']>(draw, [
    {},
    { 'check-file': honesty },
    { shell: 'honest' },
    { 'check-file': honesty, helper: 'honest' },
  ]);
  const habits: Habits = {
    ...{ writers: 'many', hasSync: true, readsBack: true, copiesFiles: true, digests },
    letsOneRead: draw() < 0.15,
    oneWayMs: pick(draw, [1, 5, 20, 100]),
    bytesPerSecond: Math.max(size / 120, pick(draw, [10_000_000, 1_000_000, 100_000])),
    slowWorkMs: pick(draw, [1, 50, 1000]),
  };
  const isHonest = digests.shell === 'honest';
  const count = 1 + Math.floor(draw() * 3);
  let mayChange = true;
  const phases = Array.from({ length: count }, (_, index): Phase => {
    const faults: Fault[] = [];
    for (let left = Math.floor(draw() * 5); left > 0; left--) {
      const kind = pick(draw, KINDS);
      const isChange = kind === 'replace source' || kind === 'rewrite source';
      // Times have whole seconds, so that of two changes the second may not show.
      if (isChange && !mayChange) continue;
      if (isChange) mayChange = false;
      if (kind !== 'spoil read' || isHonest) faults.push({ after: soon(250), kind });
    }
    const spoils = faults.some(({ kind }) => kind === 'spoil read');
    if (draw() < 0.7) {
      const ending = pick<Ending>(draw, [
        'stop',
        'kill',
        'kill',
        'lose power',
        'kill before rename',
        'kill after rename',
      ]);
      faults.push({ after: ending.includes('rename') ? 0 : soon(250), kind: ending });
    }
    return {
      pauseMs: index === 0 ? 0 : pick(draw, [0, 1000, 30_000, 26 * 60 * 60_000]),
      forgetsJournal: draw() < 0.2,
      // What spoils bytes can be noticed only where they are compared.
      verify: spoils ? 'hash' : pick<Verify>(draw, ['auto', 'auto', 'hash', 'size']),
      connections: 1 + Math.floor(draw() * 4),
      resumes: draw() < 0.9,
      faults: faults.sort((a, b) => a.after - b.after),
    };
  });
  const old = draw() < 0.5 ? undefined : Math.floor(draw() * 400 * KIB);
  return { size, old, inplace: draw() < 0.2, habits, phases };
}

interface Run {
  readonly number: number;
  readonly phase: Phase;
  readonly isQuiet: boolean;
  readonly remote: ModelRemote;
  readonly stop: AbortController;
  readonly faults: Set<Kind>;
  /** What the source was at some time during the run. */
  readonly sources: Buffer[];
  /** What the user was told. */
  readonly told: string[];
  stoppedMs: number | undefined;
  /** For how long it could not go on, at most: a connection that falls silent is noticed after half a minute. */
  disturbedMs: number;
  longestSilenceMs: number;
  lastProgressMs: number;
  isKilled: boolean;
  outcome: RunOutcome | undefined;
}

/** `directory`: empty, and of this scenario alone. */
export function playDownload(seed: number, directory: string): Promise<Played> {
  return playWorld(seed, (clock) => new World(drawScenario(seed), clock, seed, directory));
}

class World implements PlayedWorld {
  readonly server: ModelServer;
  readonly log: string[] = [];
  runs = 0;
  readonly #scenario: Scenario;
  readonly #clock: ClientClock;
  readonly #target: string;
  readonly #state: string;
  readonly #random: () => number;
  #source: Buffer;
  #boot = 0;
  #live: Run | undefined;
  /** What may be at the target where nothing is written in place. */
  readonly #complete: Buffer[] = [];

  constructor(scenario: Scenario, clock: ClientClock, seed: number, directory: string) {
    const { size, old, habits } = scenario;
    this.#scenario = scenario;
    this.#clock = clock;
    this.#target = join(directory, 'target', 'f');
    this.#state = join(directory, 'state');
    this.#random = seeded(seed + 3);
    this.#source = contents(size, 1);
    this.#complete.push(this.#source);
    this.server = new ModelServer(clock.time, habits, seeded(seed + 2), '/home/none', new Map());
    this.server.put(SOURCE, this.#source);
    fs.mkdirSync(join(directory, 'target'));
    if (old === undefined) return;
    // It has much in common with the source.
    const bytes = contents(old, 3);
    this.#source.copy(bytes, 0, 0, Math.floor(Math.min(size, old) / 2));
    fs.writeFileSync(this.#target, bytes);
    this.#complete.push(bytes);
  }

  async play(): Promise<void> {
    const { size, old, inplace, habits, phases } = this.#scenario;
    this.#tell(JSON.stringify({ size, old, inplace, habits }));
    for (const phase of phases) {
      await this.#pass(phase.pauseMs);
      if (phase.forgetsJournal) fs.rmSync(this.#state, { recursive: true, force: true });
      await this.#playPhase(phase, false);
      if (this.server.broken.length > 0) return;
    }
    await this.#playPhase({ ...phases.at(-1)!, verify: 'auto', resumes: true, faults: [] }, true);
  }

  async #playPhase(phase: Phase, isQuiet: boolean): Promise<void> {
    const { server } = this;
    // What was answered at the moment of a kill may have been continued with.
    closeDescriptors();
    freeLocks();
    this.#clock.forgetTimers();
    const run = this.#start(phase, isQuiet);
    const todo = [...phase.faults];
    server.restartCount();
    server.onRequest = (count) => {
      while (todo.length > 0 && todo[0]!.after <= count) {
        const { kind } = todo.shift()!;
        // Not in the middle of a request.
        server.time.at(server.time.nowMs, () => this.#happen(kind, run));
      }
    };
    await this.#untilOver();
    server.onRequest = () => {};
    server.heal();
    stopDiskTroubles();
    this.#checkTarget('a run');
  }

  #happen(kind: Kind, run: Run): void {
    const { server } = this;
    const { troubles, time } = server;
    this.#tell(kind);
    run.faults.add(kind);
    if (SILENT.has(kind)) run.disturbedMs += STALL_MS;
    const open = [...server.connections];
    const one = open[Math.floor(server.random() * open.length)];
    switch (kind) {
      case 'lose one':
        return one?.lose();
      case 'lose all':
        for (const connection of open) connection.lose();
        return;
      case 'crash':
        return server.crash();
      case 'deafen one':
        return one?.silence('deaf');
      case 'mute one':
        return one?.silence('mute');
      case 'mute all':
        for (const connection of open) connection.silence('mute');
        return;
      case 'slow one':
        if (one !== undefined) one.bytesPerSecond = Math.max(3000, one.bytesPerSecond / 5);
        return;
      case 'refuse':
        troubles.refusedUntilMs = time.nowMs + 20_000;
        return;
      case 'ignore':
        troubles.deafUntilMs = time.nowMs + 20_000;
        return;
      case 'lose digests':
        troubles.hasNoDigests = true;
        return;
      case 'spoil read':
        troubles.spoiltReads += 2;
        return;
      case 'fail local write':
        diskTroubles.failingWrites++;
        return;
      case 'fail local sync':
        diskTroubles.failingSyncs++;
        return;
      case 'fail local rename':
        diskTroubles.failingRenames++;
        return;
      case 'replace source':
      case 'rewrite source':
        return this.#changeSource(kind, run);
      case 'stop':
        if (this.#live !== run) return;
        run.stoppedMs ??= time.nowMs;
        return run.stop.abort();
      case 'kill':
        return this.#kill(run);
      case 'lose power':
        this.#kill(run);
        losePower(this.#random);
        this.#boot++;
        return;
      case 'kill before rename':
      case 'kill after rename':
        renames.onRename = (moment) => {
          if (kind !== `kill ${moment} rename` || this.#live !== run) return false;
          this.#kill(run);
          return true;
        };
    }
  }

  #changeSource(kind: 'replace source' | 'rewrite source', run: Run): void {
    const { server } = this;
    const before = this.#source;
    // A new file may have another length; what is rewritten keeps its own.
    const after = contents(kind === 'replace source' ? before.length + 4321 : before.length, 9);
    before.copy(after, 0, 0, Math.floor(before.length / 2));
    this.#source = after;
    this.#complete.push(after);
    run.sources.push(after);
    if (kind === 'replace source') {
      server.put(SOURCE, after);
      server.at(SOURCE)!.mtimeMs = server.nowMs;
    } else {
      server.at(SOURCE)!.write(0, after, server.nowMs);
      // A crash takes nothing away from it.
      server.at(SOURCE)!.sync();
    }
  }

  #kill(run: Run): void {
    if (this.#live !== run) return;
    run.remote.kill();
    this.#clock.forgetTimers();
    closeDescriptors();
    freeLocks();
    run.isKilled = true;
    this.#live = undefined;
  }

  #start(phase: Phase, isQuiet: boolean): Run {
    const { server } = this;
    const number = ++this.runs;
    const remote = new ModelRemote(server, { number, machine: 0, version: 'A' });
    const run: Run = {
      ...{
        number,
        phase,
        isQuiet,
        remote,
        stop: new AbortController(),
        faults: new Set(),
        sources: [this.#source],
        told: [],
      },
      ...{ stoppedMs: undefined, disturbedMs: 0, longestSilenceMs: 0, lastProgressMs: server.time.nowMs },
      ...{ isKilled: false, outcome: undefined },
    };
    this.#live = run;
    const sawProgress = (): void => {
      run.longestSilenceMs = Math.max(run.longestSilenceMs, server.time.nowMs - run.lastProgressMs);
      run.lastProgressMs = server.time.nowMs;
    };
    remote.onProgress = sawProgress;
    const { verify, connections, resumes } = phase;
    this.#tell(`run ${number} begins: ${JSON.stringify({ verify, connections, resumes, isQuiet })}`);
    const settings = {
      ...{ remote, source: SOURCE, target: this.#target, direction: 'down' as const, inplace: this.#scenario.inplace },
      ...{ connections, verify },
      journals: {
        directory: this.#state,
        identity: remote.identity,
        machine: 'm0',
        boot: `boot ${this.#boot}`,
        resume: resumes,
        onFailed: (error: Error) => {
          if (!run.isKilled) server.broken.push(`The journal failed: ${error.message}`);
        },
      },
    };
    const onEvent = (event: TransferEvent): void => {
      if (event.type !== 'notice') return;
      run.told.push(event.message);
      this.#tell(`run ${number}: ${event.code}: ${event.message}`);
    };
    startRun(settings, run.stop.signal, onEvent).then(
      (outcome) => {
        if (run.isKilled) return;
        sawProgress();
        run.outcome = outcome;
        this.#live = undefined;
        const { error } = outcome;
        this.#tell(`run ${number} ends: ${error ? `${error.code}: ${error.message}` : 'done'}`);
        this.#check(run, outcome);
      },
      (error: unknown) => {
        this.#live = undefined;
        server.broken.push(`Run ${number} rejected: ${String(error)}`);
      },
    );
    return run;
  }

  #check(run: Run, outcome: RunOutcome): void {
    const expect = (holds: boolean, what: string): void => {
      if (!holds) this.server.broken.push(`Run ${run.number}: ${what}`);
    };
    const { error } = outcome;
    if (error === undefined) {
      const there = this.#atTarget();
      expect(
        run.sources.some((source) => there?.equals(source) === true),
        'it is done, and the target is not its source.',
      );
      const { byDigest, byReadBack } = outcome.verified;
      if (run.phase.verify === 'hash')
        expect(
          byDigest + byReadBack === there?.length,
          `it verified ${byDigest} and ${byReadBack} of ${there?.length}.`,
        );
      // What only a journal could have told about is left, and named.
      const partials = this.#partials().filter((name) => !run.told.some((message) => message.includes(name)));
      expect(partials.length === 0, `it is done, and left ${partials.join(', ')}.`);
      const journals = fs.existsSync(this.#state) ? fs.readdirSync(this.#state) : [];
      expect(journals.length === 0, `it is done, and left the journal ${journals.join(', ')}.`);
    } else {
      const what = `it failed with ${error.code} (${error.message}) after ${[...run.faults].join(', ') || 'nothing'}.`;
      expect(this.#mayFail(run, error.code), what);
      expect(!run.isQuiet, what);
    }
    expect(run.remote.open.length === 0, `${run.remote.open.length} connections are left open.`);
    expect(openPaths().length === 0, `local files are left open: ${openPaths().join(', ')}.`);
    if (run.stoppedMs === undefined) return;
    const stopMs = this.server.time.nowMs - run.stoppedMs;
    expect(stopMs <= STOP_LIMIT_MS, `it took ${stopMs} ms to stop.`);
  }

  #mayFail({ faults, phase, stoppedMs, disturbedMs, longestSilenceMs }: Run, code: string): boolean {
    const digests = Object.values(this.#scenario.habits.digests);
    const areHonest = digests.length > 0 && digests.every((habit) => habit === 'honest');
    switch (code) {
      case 'cancelled':
        return stoppedMs !== undefined;
      case 'source-changed':
        return faults.has('replace source') || faults.has('rewrite source');
      case 'no-digests':
        // What is read back to try digests may be spoilt.
        return phase.verify === 'hash' && (!areHonest || faults.has('lose digests') || faults.has('spoil read'));
      case 'integrity':
        return faults.has('spoil read');
      case 'no-space':
        return faults.has('fail local write');
      case 'local-io':
        return faults.has('fail local sync');
      case 'rename-refused':
      case 'destination-permission':
        return faults.has('fail local rename');
      case 'no-connection':
      case 'connection-lost':
      case 'connection-stalled':
      case 'connection-refused':
      case 'connection-failed':
        return Math.max(longestSilenceMs, disturbedMs) >= 0.9 * RETRY_FOR_MS;
      default:
        return false;
    }
  }

  #checkTarget(what: string): void {
    if (this.#scenario.inplace) return;
    const there = this.#atTarget();
    if (there === undefined ? this.#scenario.old === undefined : this.#complete.some((one) => there.equals(one)))
      return;
    this.server.broken.push(`After ${what} the target is no complete file (${there?.length} bytes).`);
  }

  #atTarget(): Buffer | undefined {
    return fs.existsSync(this.#target) ? fs.readFileSync(this.#target) : undefined;
  }

  #partials(): string[] {
    return fs.readdirSync(join(this.#target, '..')).filter((name) => name !== 'f');
  }

  async #untilOver(): Promise<void> {
    const { time } = this.server;
    await new Promise((resolve) => setImmediate(resolve));
    await time.run(time.nowMs + RUN_LIMIT_MS, () => this.#live === undefined);
    if (this.#live !== undefined) {
      this.server.broken.push(`Run ${this.#live.number} never ends.`);
      this.#live = undefined;
      return;
    }
    await this.#pass(WIND_DOWN_MS);
    const { size } = this.#clock.timers;
    if (size > 0) this.server.broken.push(`${size} timers are left when the run has ended.`);
  }

  async #pass(ms: number): Promise<void> {
    const { time } = this.server;
    if (ms === 0) return;
    const untilMs = time.nowMs + ms;
    time.at(untilMs, () => {});
    await time.run(untilMs);
  }

  #tell(what: string): void {
    this.log.push(`${this.server.time.nowMs.toFixed(0)} ms: ${what}`);
  }
}
