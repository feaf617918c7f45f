/** What is said and advised after a refusal, over all that may be found around the target. */
import { describe, expect, test } from 'vitest';
import { explainFailure, isExplained } from '../../../../../src/engine/upload/failures/explain-failure.ts';
import type { FailedJob } from '../../../../../src/engine/upload/failures/failure-facts.ts';
import { CopyError, type ErrorCode } from '../../../../../src/errors.ts';
import type { DirectoryTrial, FreeSpace, Situation } from '../../../../../src/remotes/remote.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const PARTIAL = '/d/.x.0123.mtpart';

const plenty: FreeSpace = { availableBytes: 5 * GIB, availableFiles: 1000, isReadOnly: false };
const allowsAll: DirectoryTrial = { creates: true, writes: true, renames: true, removes: true };

/** What is wrong on the server, how the server says no then, and what a look there finds. */
interface Trouble {
  readonly operation: string;
  readonly code: ErrorCode;
  readonly text: string;
  readonly space?: FreeSpace | undefined;
  readonly trial?: DirectoryTrial | undefined;
  /** Whether an old file could be written, if its mode allows. */
  readonly opensOld?: boolean;
  /** What the message must say. */
  readonly says: RegExp;
  /** Whether `--inplace` is a way out for an old file that may be written. */
  readonly helps: boolean | 'where the old file is large';
}

const TROUBLES: Record<string, Trouble> = {
  'a directory that is read-only': {
    operation: 'open',
    code: 'destination-permission',
    text: 'Permission denied',
    trial: { creates: false },
    says: /Permission denied/,
    helps: true,
  },
  'a directory that refuses new files without a reason': {
    operation: 'open',
    code: 'destination-refused',
    text: 'Failure',
    trial: { creates: false },
    says: /takes no new file/,
    helps: true,
  },
  'a read-only file system': {
    operation: 'open',
    code: 'destination-refused',
    text: 'Failure',
    space: { ...plenty, isReadOnly: true },
    trial: { creates: false },
    opensOld: false,
    says: /read-only/,
    helps: false,
  },
  'no inode': {
    operation: 'open',
    code: 'destination-refused',
    text: 'Failure',
    space: { ...plenty, availableFiles: 0 },
    trial: { creates: false },
    says: /no inode left/,
    helps: true,
  },
  'a refused name, of the target too': {
    operation: 'open',
    code: 'destination-permission',
    text: 'Permission denied',
    trial: allowsAll,
    opensOld: false,
    says: /this name is refused/,
    helps: false,
  },
  'a refused name of the partial': {
    operation: 'open',
    code: 'destination-permission',
    text: 'Permission denied',
    trial: allowsAll,
    says: /this name is refused/,
    helps: true,
  },
  'no room': {
    operation: 'write',
    code: 'destination-refused',
    text: 'Failure',
    space: { ...plenty, availableBytes: 4096 },
    trial: { ...allowsAll, writes: false },
    says: /4\.0 KiB are available/,
    helps: 'where the old file is large',
  },
  'no room, of a server that tells no more': {
    operation: 'write',
    code: 'no-space',
    text: 'Out of disk space',
    space: undefined,
    trial: { ...allowsAll, writes: false },
    says: /Out of disk space/,
    helps: 'where the old file is large',
  },
  'a quota': {
    operation: 'write',
    code: 'destination-refused',
    text: 'Failure',
    trial: { ...allowsAll, writes: false },
    says: /a quota may be used up/,
    helps: false,
  },
  'a quota that is named': {
    operation: 'close',
    code: 'no-space',
    text: 'Disk quota exceeded',
    says: /Disk quota exceeded/,
    helps: false,
  },
  'a limit of the size of a file': {
    operation: 'write',
    code: 'destination-refused',
    text: 'Failure',
    says: /the size of one file may be limited/,
    helps: false,
  },
  'a limit of the size of a file, told as a full disk': {
    operation: 'write',
    code: 'no-space',
    text: 'Out of disk space',
    says: /Out of disk space .*the size of one file may be limited/,
    helps: false,
  },
  'a rename that is refused, as all are': {
    operation: 'rename',
    code: 'rename-refused',
    text: 'Permission denied',
    trial: { ...allowsAll, renames: false },
    says: /refused to rename/,
    helps: true,
  },
  'a rename that is refused for its name': {
    operation: 'rename',
    code: 'rename-refused',
    text: 'Permission denied',
    opensOld: false,
    says: /refused to rename/,
    helps: false,
  },
};

const OLD = { none: undefined, small: 2 * MIB, large: 20 * MIB } as const;
const PARTIALS = ['none', 'present', 'gone', 'unremovable'] as const;
const SIZE = 18 * MIB;

interface Case {
  readonly old: keyof typeof OLD;
  readonly mayWrite: boolean;
  readonly partial: (typeof PARTIALS)[number];
  readonly inplace: boolean;
}

const cases: Case[] = (Object.keys(OLD) as (keyof typeof OLD)[]).flatMap((old) =>
  PARTIALS.flatMap((partial) =>
    [true, false].flatMap((mayWrite) => [true, false].map((inplace) => ({ old, mayWrite, partial, inplace }))),
  ),
);

function explained(trouble: Trouble, { old, mayWrite, partial, inplace }: Case): CopyError {
  const { operation, code, text, opensOld = true } = trouble;
  const oldSize = OLD[old];
  const trial = 'trial' in trouble ? trouble.trial : allowsAll;
  const situation: Situation = {
    target: oldSize === undefined ? 'missing' : { kind: 'file', size: oldSize },
    isTargetWritable: oldSize === undefined ? undefined : opensOld && mayWrite,
    staged:
      partial === 'none' || inplace
        ? undefined
        : { path: Buffer.from(PARTIAL), at: partial === 'gone' ? 'missing' : { kind: 'file', size: 8 * MIB } },
    space: 'space' in trouble ? trouble.space : plenty,
    trial: partial === 'unremovable' && trial?.creates ? { ...trial, removes: false } : trial,
  };
  const job: FailedJob = {
    target: Buffer.from('/d/x'),
    size: SIZE,
    bytesThere: 8 * MIB,
    inplace,
    partial: 'known',
    oldSize,
  };
  const path = inplace ? '/d/x' : PARTIAL;
  const message = `The server refused to ${operation} ${path}: ${text}.`;
  const failure = new CopyError(code, message, { refused: { operation, text } });
  expect(isExplained(failure)).toBe(true);
  return explainFailure(failure, situation, job);
}

describe.each(Object.entries(TROUBLES))('%s', (_name, trouble) => {
  test.each(cases)('old file: $old, may be written: $mayWrite, partial: $partial, --inplace: $inplace', (one) => {
    const { old, mayWrite, partial, inplace } = one;
    const error = explained(trouble, one);
    expect(error.exitCode).toBe(4);
    // One sentence each, and never a bare "Failure".
    expect(error.message).toMatch(/^[^\n]*\.$/);
    expect(error.message).not.toMatch(/Failure/);
    expect(error.advice).toMatch(/^[A-Z][^\n]*\.$/);
    const isOldFile = inplace && old !== 'none' && trouble.operation === 'open';
    if (!isOldFile || !/Failure/.test(trouble.text)) {
      if (!isOldFile || !/name is refused/.test(trouble.says.source)) expect(error.message).toMatch(trouble.says);
    }
    // --inplace is advised exactly where it was seen to be a way out.
    const helps = trouble.helps === 'where the old file is large' ? old === 'large' : trouble.helps;
    const isAllRenames = trouble.operation === 'rename' && trouble.trial?.renames === false;
    const isWayOut = old === 'none' ? isAllRenames : mayWrite && helps;
    expect(/[Uu]se --inplace/.test(error.advice), error.advice).toBe(!inplace && isWayOut);
    if (!inplace && isWayOut && old !== 'none') expect(error.advice).toContain('is then lost even if the run fails');
    // What is left of the partial is named where its space matters.
    if (trouble.operation !== 'write' || inplace) return;
    if (partial === 'present') expect(error.message).toContain(`${PARTIAL} occupies about 8.0 MiB`);
    if (partial === 'gone') expect(error.message).toContain(`${PARTIAL} is not there`);
    if (partial === 'unremovable' && trouble.trial?.creates !== false) {
      expect(error.message).toContain('and may not be removed');
    }
  });
});

test('the room of a partial counts for --inplace only where it can be removed', () => {
  const trouble: Trouble = {
    ...TROUBLES['no room']!,
    space: { ...plenty, availableBytes: 0 },
  };
  // 8 MiB of the partial and 12 MiB of the old file.
  const situation = (removes: boolean): Situation => ({
    target: { kind: 'file', size: 12 * MIB },
    isTargetWritable: true,
    staged: { path: Buffer.from(PARTIAL), at: { kind: 'file', size: 30 * MIB } },
    space: trouble.space,
    trial: { ...allowsAll, writes: false, removes },
  });
  const job = {
    target: Buffer.from('/d/x'),
    size: SIZE,
    bytesThere: 8 * MIB,
    inplace: false,
    partial: 'known',
    oldSize: 12 * MIB,
  } as const;
  const refused = { operation: 'write', text: 'Failure' };
  const failure = new CopyError('no-space', 'The server refused to write /d/x: Failure.', { refused });
  expect(explainFailure(failure, situation(true), job).advice).toContain('use --inplace');
  expect(explainFailure(failure, situation(false), job).advice).not.toContain('--inplace');
  expect(explainFailure(failure, situation(true), { ...job, size: 21 * MIB }).advice).not.toContain('--inplace');
  // What no journal knows is left by --inplace too; what was removed is no longer in the way.
  expect(explainFailure(failure, situation(true), { ...job, partial: 'left' }).advice).not.toContain('--inplace');
  const removed = explainFailure(failure, situation(true), { ...job, partial: 'removed' });
  expect(removed.message).toContain(`${PARTIAL}, which occupied about 8.0 MiB, was removed`);
  expect(removed.advice).toContain('use --inplace, which writes over the old file;');
});

test('what was written over counts as room', () => {
  const refused = { operation: 'write', text: 'Failure' };
  const failure = new CopyError('destination-refused', 'The server refused to write /d/x: Failure.', { refused });
  const situation: Situation = {
    target: { kind: 'file', size: 12 * MIB },
    isTargetWritable: true,
    staged: undefined,
    space: { ...plenty, availableBytes: 0 },
    trial: { ...allowsAll, writes: false },
  };
  const job = { target: Buffer.from('/d/x'), size: SIZE, inplace: true, partial: 'left', oldSize: 12 * MIB } as const;
  const begun = explainFailure(failure, situation, { ...job, bytesThere: 5 * MIB });
  expect(begun.advice).toMatch(/^Make room on the server for 6\.0 MiB more/);
});

test('what a trial left behind is named', () => {
  const left = { ...allowsAll, removes: false, leftBehind: Buffer.from('/d/mttrial\x1b') };
  const failure = new CopyError('destination-permission', 'The server refused to open /d/x: Permission denied.', {
    refused: { operation: 'open', text: 'Permission denied' },
  });
  const nothing = { isTargetWritable: undefined, staged: undefined, space: undefined } as const;
  const job = {
    target: Buffer.from('/d/x'),
    size: 1,
    bytesThere: 0,
    inplace: false,
    partial: 'left',
    oldSize: undefined,
  } as const;
  const error = explainFailure(failure, { target: 'missing', trial: left, ...nothing }, job);
  expect(error.advice).toContain('could not be removed: /d/mttrial\\x1b.');
});

test('only what a server refused is explained', () => {
  expect(isExplained(new CopyError('no-space', 'There is no room.'))).toBe(false);
  expect(isExplained(new CopyError('local-io', 'The disk is broken.'))).toBe(false);
  const refused = { operation: 'open', text: '' };
  expect(isExplained(new CopyError('unsupported', 'It cannot.', { refused }))).toBe(false);
});
