import { beforeEach, describe, expect, test } from 'vitest';
import { FileAdmission } from '../../../../src/engine/connections/file-admission.ts';
import type { FileJournal } from '../../../../src/engine/resume/file-journal.ts';
import type { RunnerCommand } from '../../../../src/engine/runner/piece-runner.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../../src/engine/transfer/job-ledger.ts';
import { FileWriters, type FileWritersServices, type WritingJob } from '../../../../src/engine/upload/file-writers.ts';
import { isRefusedOpen } from '../../../../src/engine/upload/refused-open.ts';
import type { StagedAttempt } from '../../../../src/engine/upload/staging.ts';
import { Writers } from '../../../../src/engine/upload/writers.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Abilities } from '../../../../src/remotes/remote.ts';

const MIB = 1024 * 1024;
const OWNER = 1;
const REFUSED = new CopyError('single-writer', 'No second writer.', { refused: { operation: 'open', text: '' } });

/** The job of one file of 100 MiB. */
class Scene {
  readonly known: Writers = new Writers(() => {});
  readonly holders = { token: { stage: 'staged' }, owner: OWNER, isOwnerHolding: true };
  /** Which connections may write. */
  allowed: number | 'all' | undefined;
  /** What was demanded of the file job. */
  readonly demands: string[] = [];
  readonly posted: RunnerCommand[] = [];
  readonly dropped: number[] = [];
  /** What the journal says; undefined: nothing. */
  noted: boolean | undefined;
  readonly writers: FileWriters;
  isTransferring = true;
  readonly #ledger: JobLedger = new JobLedger(new Scheduler(() => 0), 1, () => {});

  constructor() {
    this.#ledger.open({ size: 100 * MIB, pieceSize: 4 * MIB, only: OWNER, claims: [] });
    this.#ledger.restrict = (only) => {
      this.allowed = only ?? 'all';
    };
    this.writers = new FileWriters(this.#services(), { number: 1, fd: 3, size: 100 * MIB }, this.holders, this.#job());
  }

  /** The journal of the file, with what an earlier run noted. */
  journal(hasManyWriters: boolean): FileJournal {
    const noteWriters = (areMany: boolean): void => {
      this.noted = areMany;
    };
    return { hasManyWriters, noteWriters } as unknown as FileJournal;
  }

  stage({
    writers = 'unknown',
    hasManyPieces = true,
    continues,
  }: {
    writers?: Abilities['writers'];
    hasManyPieces?: boolean;
    continues?: 'ours' | 'copy';
  } = {}): void {
    const reopened = continues && { isOurs: continues === 'ours' };
    this.writers.onStaged({ abilities: { writers }, pieceSize: 4 * MIB, hasManyPieces, reopened } as StagedAttempt);
  }

  /** Probes, and the runner answers with this result. */
  async probe(result: { writers: 'many' | 'one'; written?: { offset: number; length: number }[] }): Promise<void> {
    this.writers.considerProbe(0);
    await Promise.resolve();
    const { task } = this.posted.find(({ kind }) => kind === 'probe-writers') as { task: number };
    this.writers.onProbed({ kind: 'probed', job: 1, task, result } as never, undefined);
    await this.writers.settled();
  }

  #services(): FileWritersServices {
    const admission = new FileAdmission({ purpose: 'write', isRefusedOpen, wait: async () => {}, notice: () => {} });
    const pool = {
      open: [OWNER, 2, 3],
      wanted: 3,
      drop: (connection: number) => this.dropped.push(connection),
      limit: () => {},
    };
    const runner = { local: { connection: () => ({}) }, post: (command: RunnerCommand) => this.posted.push(command) };
    const upload = { writers: this.known, admission };
    return { pool, runner, dispatcher: { dispatch: () => {} }, upload } as unknown as FileWritersServices;
  }

  #job(): WritingJob {
    const scene = this;
    const demand = (what: string) => (): void => void this.demands.push(what);
    return {
      ledger: this.#ledger,
      get isTransferring() {
        return scene.isTransferring;
      },
      drain: async () => {},
      acknowledge: (ranges) => {
        for (const range of ranges) this.#ledger.acknowledge(range);
      },
      onChanged: () => {},
      interrupt: demand('interrupt'),
      startOver: demand('start over'),
      stop: demand('stop'),
    };
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe('which connections write', () => {
  test('the owner alone, until it is known that many may', () => {
    scene.stage();
    scene.writers.share();
    expect(scene.allowed).toBe(OWNER);
    scene.known.decide('many');
    expect(scene.allowed).toBe('all');
  });

  test('the owner alone writes a file of one piece, while it has the file open', () => {
    scene.stage({ hasManyPieces: false });
    scene.known.decide('many');
    expect(scene.allowed).toBe(OWNER);
    scene.holders.isOwnerHolding = false;
    scene.writers.share();
    expect(scene.allowed).toBe('all');
  });

  test('the file is interrupted if its owner is lost that alone may write', () => {
    scene.stage();
    scene.holders.isOwnerHolding = false;
    scene.writers.share();
    expect(scene.demands).toEqual(['interrupt']);
    expect(scene.allowed).toBeUndefined();
  });

  test('nothing is decided while the file is not transferred, or after it has ended', () => {
    scene.stage();
    scene.isTransferring = false;
    scene.writers.share();
    expect(scene.allowed).toBeUndefined();
    scene.isTransferring = true;
    scene.writers.stop();
    scene.known.decide('many');
    expect(scene.allowed).toBeUndefined();
  });

  test('what the server is known for counts when the ledger is open', () => {
    scene.stage({ writers: 'many' });
    expect(scene.known.known).toBe('unknown');
    scene.writers.onOpened();
    expect(scene.known.known).toBe('many');
  });
});

describe('a task that failed', () => {
  test('another writer was refused while it was not known whether many may write: the owner writes alone', () => {
    scene.stage();
    expect(scene.writers.onTaskFailed(REFUSED, 2)).toBe(true);
    expect(scene.known.known).toBe('one');
    expect(scene.allowed).toBe(OWNER);
  });

  test('another writer was refused where many may write: its connection is closed, the others continue', () => {
    scene.stage();
    scene.known.decide('many');
    expect(scene.writers.onTaskFailed(REFUSED, 3)).toBe(true);
    expect(scene.dropped).toEqual([3]);
    expect(scene.known.known).toBe('many');
    expect(scene.allowed).toBe('all');
  });

  test('a lost connection is dealt with, any other failure is that of the file', () => {
    scene.stage();
    expect(scene.writers.onTaskFailed(new CopyError('connection-lost', 'Lost.'), 2)).toBe(true);
    expect(scene.writers.onTaskFailed(new CopyError('no-space', 'Full.'), 2)).toBe(false);
  });
});

describe('the journal', () => {
  test('what it says of a file that is continued counts for the run', () => {
    scene.writers.begin(scene.journal(true));
    scene.stage({ continues: 'ours' });
    expect(scene.known.known).toBe('many');
  });

  test.each([
    ['a copy', true, 'copy'],
    ['a new file', true, undefined],
    ['a file of which it says nothing', false, 'ours'],
  ] as const)('it tells nothing of %s', (_, hasManyWriters, continues) => {
    scene.writers.begin(scene.journal(hasManyWriters));
    scene.stage(continues && { continues });
    expect(scene.known.known).toBe('unknown');
  });

  test('what is known before it begins, or found out later, is recorded', () => {
    scene.writers.begin(scene.journal(false));
    scene.stage();
    scene.writers.onJournalBegun();
    expect(scene.noted).toBeUndefined();
    scene.known.decide('many');
    expect(scene.noted).toBe(true);
    const later = new Scene();
    later.known.decide('one');
    later.writers.begin(later.journal(false));
    later.stage();
    later.writers.onJournalBegun();
    expect(later.noted).toBe(false);
  });
});

describe('the probe', () => {
  test('all connections write when the server keeps what two have written', async () => {
    scene.stage();
    await scene.probe({ writers: 'many', written: [{ offset: 0, length: 4096 }] });
    expect(scene.known.known).toBe('many');
    expect(scene.allowed).toBe('all');
    expect(scene.demands).toEqual([]);
  });

  test('the file begins again when the server lost what one of them had written', async () => {
    scene.stage();
    await scene.probe({ writers: 'one' });
    expect(scene.known.known).toBe('one');
    expect(scene.demands).toEqual(['start over']);
  });

  test('the file is stopped when it fails, and interrupted when a connection was lost', async () => {
    for (const code of ['no-space', 'connection-lost'] as const) {
      scene.stage();
      scene.writers.considerProbe(0);
      await Promise.resolve();
      expect(scene.writers.isProbing).toBe(true);
      scene.writers.onRunOver(new CopyError(code, 'It failed.'));
      await scene.writers.settled();
      expect(scene.writers.isProbing).toBe(false);
    }
    expect(scene.demands).toEqual(['stop', 'interrupt']);
  });

  test.each([
    ['the file has one piece', { hasManyPieces: false }, true],
    ['it is not transferred', {}, false],
  ])('there is none where %s', async (_, staged, isTransferring) => {
    scene.stage(staged);
    scene.isTransferring = isTransferring;
    scene.writers.considerProbe(0);
    await scene.writers.settled();
    expect(scene.posted).toEqual([]);
  });
});

test('a connection may be closed and opened anew if it is not the owner and others may write', () => {
  scene.stage();
  expect(scene.writers.mayRelocate(2)).toBe(false);
  scene.known.decide('many');
  expect(scene.writers.mayRelocate(2)).toBe(true);
  expect(scene.writers.mayRelocate(OWNER)).toBe(false);
});
