/** Plays a scenario on the model server, and says which promises were broken. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { TransferEvent } from '../../../src/engine/events.ts';
import { seeded } from '../seeded.ts';
import { contents } from '../upload-scene.ts';
import { ClientClock } from './client-clock.ts';
import { closeDescriptors, healDisk } from './local-disk.ts';
import type { Inode, RunMark } from './model-inode.ts';
import { freeLocks } from './model-lock.ts';
import { ModelRemote } from './model-remote.ts';
import { ModelServer } from './model-server.ts';
import { checkRun, type PlayedRun } from './promises.ts';
import { drawScenario, type Fault, type Phase, type RunPlan, type Scenario } from './scenario.ts';
import { startRun } from './start-run.ts';

const TARGET = '/home/f';
/** A run that is not over by then hangs. */
const RUN_LIMIT_MS = 2 * 60 * 60_000;
/** Pauses between attempts of what nobody waits for any more end by then. */
const WIND_DOWN_MS = 2000;
/** Longer than any request may be late. */
const ALL_LATE_MS = 15 * 60_000;

export interface Played {
  readonly broken: readonly string[];
  /** Runs of the program. */
  readonly runs: number;
  /** What happened, for people. */
  readonly log: readonly string[];
}

/** `directory`: empty, and of this scenario alone. */
export function playScenario(seed: number, directory: string): Promise<Played> {
  const scenario = drawScenario(seed);
  return playWorld(seed, (clock) => new World(scenario, clock, directory));
}

/** What scenarios are played in. */
export interface PlayedWorld {
  readonly server: ModelServer;
  readonly log: readonly string[];
  readonly runs: number;
  play(): Promise<void>;
}

/** Plays it by a clock of its own, and leaves nothing behind in this process. */
export async function playWorld(seed: number, create: (clock: ClientClock) => PlayedWorld): Promise<Played> {
  const clock = new ClientClock(seed + 1);
  const restore = clock.install();
  const world = create(clock);
  try {
    await world.play();
  } catch (error) {
    world.server.broken.push(`The scenario failed: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    restore();
    healDisk();
    freeLocks();
    closeDescriptors();
  }
  return { broken: world.server.broken, runs: world.runs, log: world.log };
}

class World implements PlayedWorld {
  readonly server: ModelServer;
  readonly log: string[] = [];
  runs = 0;
  readonly #scenario: Scenario;
  readonly #clock: ClientClock;
  readonly #directory: string;
  readonly #complete: Map<string, Buffer> = new Map();
  readonly #versions: (string | undefined)[] = [];
  readonly #live: Set<PlayedRun> = new Set();
  /** Of the phase. */
  #faults: Set<Fault['kind']> = new Set();

  constructor(scenario: Scenario, clock: ClientClock, directory: string) {
    const { sizes, seed, habits } = scenario;
    this.#scenario = scenario;
    this.#clock = clock;
    this.#directory = directory;
    const a = contents(sizes.A, 1);
    this.#complete.set('A', a);
    // The versions have much in common, so that something can be gone on with that is of the other one.
    const b = contents(sizes.B, 2);
    a.copy(b, 0, 0, Math.floor(Math.min(sizes.A, sizes.B) / 2));
    this.#complete.set('B', b);
    this.#complete.set('changed', contents(4321, 9));
    if (sizes.old !== undefined) this.#complete.set('old', contents(sizes.old, 3));
    this.server = new ModelServer(clock.time, habits, seeded(seed + 2), TARGET, this.#complete);
    const old = this.#complete.get('old');
    if (old !== undefined) this.server.put(TARGET, old);
  }

  async play(): Promise<void> {
    const { sizes, habits } = this.#scenario;
    this.#tell(JSON.stringify({ sizes, habits }));
    for (const phase of this.#scenario.phases) {
      await this.#pass(phase.pauseMs);
      if (phase.forgetsJournals) this.#forgetJournals(phase.run.machine);
      await this.#playPhase(phase);
      if (this.server.broken.length > 0) return;
    }
    await this.#playLast();
  }

  /** Nothing goes wrong any more, except that something may still come late. */
  async #playLast(): Promise<void> {
    const run = this.#scenario.phases.at(-1)!.run;
    for (const isStill of [false, true]) {
      if (isStill) await this.#pass(ALL_LATE_MS);
      const { readsBack, writers } = this.#scenario.habits;
      const verify = readsBack && writers !== 'private' ? 'read-back' : 'size';
      const plan: RunPlan = { ...run, verify, resumes: true };
      this.#faults = new Set();
      const played = await this.#runAlone(plan, isStill ? 'still' : 'quiet');
      if (this.server.broken.length > 0 || played.outcome?.error === undefined) return;
    }
  }

  async #runAlone(plan: RunPlan, circumstances: 'still' | 'quiet'): Promise<PlayedRun> {
    const played = this.#start(plan, circumstances);
    await this.#untilOver();
    return played;
  }

  async #playPhase({ run, rival, faults }: Phase): Promise<void> {
    const { server } = this;
    this.#faults = new Set();
    const first = this.#start(run, 'faults');
    const todo: (Fault | { readonly after: number; readonly rival: RunPlan })[] = [...faults];
    if (rival !== undefined) todo.push({ after: rival.after, rival });
    todo.sort((a, b) => a.after - b.after);
    server.restartCount();
    server.onRequest = (count) => {
      while (todo.length > 0 && todo[0]!.after <= count) {
        const next = todo.shift()!;
        // Not in the middle of a request.
        server.time.at(server.time.nowMs, () => {
          if ('rival' in next) this.#start(next.rival, 'faults');
          else this.#happen(next, first);
        });
      }
    };
    await this.#untilOver();
    server.onRequest = () => {};
    server.heal();
  }

  #happen(fault: Fault, first: PlayedRun): void {
    const { server } = this;
    const { troubles, time } = server;
    this.#tell(`${fault.kind} ${fault.amount}`);
    first.faults.add(fault.kind);
    const open = [...server.connections];
    const one = open[Math.floor(server.random() * open.length)];
    switch (fault.kind) {
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
        if (one !== undefined) one.bytesPerSecond = Math.max(1000, one.bytesPerSecond * fault.amount);
        return;
      case 'slow all':
        for (const each of open) each.bytesPerSecond = Math.max(3000, each.bytesPerSecond * fault.amount);
        return;
      case 'refuse':
        troubles.refusedUntilMs = time.nowMs + fault.amount;
        return;
      case 'ignore':
        troubles.deafUntilMs = time.nowMs + fault.amount;
        return;
      case 'fail write':
        troubles.failingWrites += fault.amount;
        return;
      case 'fail sync':
        troubles.failingSyncs += fault.amount;
        return;
      case 'fail close':
        troubles.failingCloses += fault.amount;
        return;
      case 'fail rename':
        troubles.failingRenames += fault.amount;
        return;
      case 'spoil write':
        troubles.spoiltWrites += fault.amount;
        return;
      case 'spoil all':
        troubles.spoilsAll = true;
        return;
      case 'lose digests':
        troubles.hasNoDigests = true;
        return;
      case 'change source':
        return this.#changeSource(first);
      case 'stop':
        if (!this.#live.has(first)) return;
        first.stoppedMs ??= time.nowMs;
        return first.stop.abort();
      case 'kill':
        return this.#kill(first);
    }
  }

  #kill(run: PlayedRun): void {
    if (!this.#live.has(run) || this.#live.size > 1) return;
    run.remote.kill();
    this.#clock.forgetTimers();
    closeDescriptors();
    freeLocks();
    run.isKilled = true;
    this.#live.delete(run);
  }

  #start(plan: RunPlan, circumstances: PlayedRun['circumstances']): PlayedRun {
    const { server } = this;
    const mark: RunMark = { number: ++this.runs, machine: plan.machine, version: plan.version };
    const remote = new ModelRemote(server, mark);
    const played: PlayedRun = {
      plan,
      mark,
      remote,
      circumstances,
      startedMs: server.time.nowMs,
      endedMs: 0,
      stop: new AbortController(),
      stoppedMs: undefined,
      isKilled: false,
      faults: this.#faults,
      rivals: new Set(this.#live),
      longestSilenceMs: 0,
      events: [],
      outcome: undefined,
      sources: [this.#complete.get(plan.version)!],
    };
    for (const other of this.#live) other.rivals.add(played);
    this.#live.add(played);
    let lastProgressMs = server.time.nowMs;
    const sawProgress = (): void => {
      played.longestSilenceMs = Math.max(played.longestSilenceMs, server.time.nowMs - lastProgressMs);
      lastProgressMs = server.time.nowMs;
    };
    remote.onProgress = sawProgress;
    remote.mayWrite = (path, inode) => this.#mayWrite(mark, path, inode);
    this.#tell(`run ${mark.number} begins: ${JSON.stringify(plan)} (${circumstances})`);
    const settings = {
      remote,
      source: this.#sourceOf(plan),
      target: TARGET,
      connections: plan.connections,
      verify: plan.verify,
      journals: {
        directory: this.#stateOf(plan.machine),
        identity: remote.identity,
        machine: `m${plan.machine}`,
        resume: plan.resumes,
        onFailed: (error: Error) => {
          // When a process is killed, its files are closed.
          if (!played.isKilled) server.broken.push(`The journal failed: ${error.message}`);
        },
      },
    };
    const onEvent = (event: TransferEvent): void => {
      played.events.push(event);
      if (event.type === 'notice') this.#tell(`run ${mark.number}: ${event.code}: ${event.message}`);
    };
    startRun(settings, played.stop.signal, onEvent).then(
      (outcome) => {
        sawProgress();
        played.outcome = outcome;
        played.endedMs = server.time.nowMs;
        this.#live.delete(played);
        const { error } = outcome;
        this.#tell(`run ${mark.number} ends: ${error ? `${error.code}: ${error.message}` : 'done'}`);
        checkRun(played, {
          server,
          journals: fs.existsSync(settings.journals.directory) ? fs.readdirSync(settings.journals.directory) : [],
        });
      },
      (error: unknown) => {
        this.#live.delete(played);
        server.broken.push(`Run ${mark.number} rejected: ${String(error)}`);
      },
    );
    return played;
  }

  async #untilOver(): Promise<void> {
    const { time } = this.server;
    const limitMs = time.nowMs + RUN_LIMIT_MS;
    await macrotask();
    await time.run(limitMs, () => this.#live.size === 0);
    if (this.#live.size === 0) {
      await this.#pass(WIND_DOWN_MS);
      // The second run of a phase may begin right after the first one has ended.
      if (this.#live.size > 0) return this.#untilOver();
      const { size } = this.#clock.timers;
      if (size > 0) this.server.broken.push(`${size} timers are left when all runs have ended.`);
      return;
    }
    const numbers = [...this.#live].map(({ mark }) => mark.number).join(', ');
    this.server.broken.push(`Run ${numbers} never ends.`);
    this.#live.clear();
  }

  async #pass(ms: number): Promise<void> {
    const { time } = this.server;
    if (ms === 0) return;
    const untilMs = time.nowMs + ms;
    time.at(untilMs, () => {});
    await time.run(untilMs);
  }

  /** Whether the journal of its machine says that it was staged there, for the same source. */
  #mayWrite({ number, machine, version }: RunMark, path: string, { createdBy }: Inode): boolean {
    if (createdBy?.number === number) return true;
    if (createdBy?.machine !== machine || createdBy.version !== version) return false;
    const state = this.#stateOf(machine);
    const files = fs.existsSync(state) ? fs.readdirSync(state) : [];
    return files.some((name) => fs.readFileSync(join(state, name), 'latin1').includes(JSON.stringify(path)));
  }

  #stateOf(machine: number): string {
    return join(this.#directory, `state${machine}`);
  }

  #forgetJournals(machine: number): void {
    fs.rmSync(this.#stateOf(machine), { recursive: true, force: true });
  }

  /** The source of a machine, which is written anew where it has another version. */
  #sourceOf({ machine, version }: RunPlan): string {
    const path = join(this.#directory, `source${machine}`);
    if (this.#versions[machine] !== version) this.#writeSource(path, this.#complete.get(version)!);
    this.#versions[machine] = version;
    return path;
  }

  #writeSource(path: string, bytes: Buffer): void {
    fs.writeFileSync(`${path}.new`, bytes);
    fs.renameSync(`${path}.new`, path);
  }

  #changeSource({ plan }: PlayedRun): void {
    const path = join(this.#directory, `source${plan.machine}`);
    this.#writeSource(path, this.#complete.get('changed')!);
    this.#versions[plan.machine] = undefined;
    // A run that had not opened its source by then copies the new one.
    for (const run of this.#live)
      if (run.plan.machine === plan.machine) run.sources.push(this.#complete.get('changed')!);
  }

  #tell(what: string): void {
    this.log.push(`${this.server.time.nowMs.toFixed(0)} ms: ${what}`);
  }
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
