import { describe, expect, it } from 'vitest';
import { CopyError } from '../../../src/errors.ts';
import { makePaint } from '../../../src/ui/paint.ts';
import { PlainUi } from '../../../src/ui/plain.ts';
import { QuietUi } from '../../../src/ui/quiet.ts';
import { Collector, connection, failure, file, mib, notice, plan, progress, result } from './events.ts';

function show(options: { verbose?: number; progressEveryMs?: number; quiet?: boolean } = {}) {
  const people = new Collector();
  const listing = new Collector();
  const ui = new (options.quiet ? QuietUi : PlainUi)({
    program: 'mtput',
    paint: makePaint(false),
    verbose: options.verbose ?? 0,
    errorStream: people.stream,
    outputStream: listing.stream,
    progressEveryMs: options.progressEveryMs,
  });
  return { ui, people, listing };
}

describe('without a terminal', () => {
  it('lines tell of plan, notices and the end', () => {
    const { ui, people } = show();
    for (const event of [
      plan(),
      file('started'),
      connection('open'),
      notice('info', 'x'),
      progress(1, 0),
      file('done'),
      result(),
    ]) {
      ui.onEvent(event);
    }
    expect(people.lines).toEqual([
      '1 file, 100 MiB, to h:d over up to 10 connections',
      'x.',
      'big.iso: 1.2 GiB in 34 s (36 MiB/s), 10 connections, verified by size',
    ]);
  });

  it.each([0, 1, 2])('-v %i: where a bug came from is told with -vv alone', (verbose) => {
    const { ui, people } = show({ verbose });
    const bug = CopyError.from(new TypeError('x is not a function')).toData();
    ui.onEvent(result(70, { error: bug }));
    expect(people.lines.slice(0, 2)).toEqual(['mtput: x is not a function.', bug.advice]);
    expect(people.lines.some((line) => line.includes('plain.test.ts'))).toBe(verbose === 2);
  });

  it.each([
    [0, '1 file, size not known yet, to h:d'],
    [mib, '1 file, more than 1.0 MiB, to h:d'],
  ])('a plan of %i bytes and more', (bytes, expected) => {
    const { ui, people } = show();
    ui.onEvent(plan(1, { bytes, isTotalKnown: false }));
    expect(people.lines).toEqual([expect.stringContaining(expected)]);
  });

  it('a plan of no file is not told', () => {
    const { ui, people } = show();
    ui.onEvent(plan(0, { bytes: 0 }));
    expect(people.lines).toEqual([]);
  });

  it('no share and no end is told while a size is not known', () => {
    const { ui, people } = show({ progressEveryMs: 1000 });
    ui.onEvent(file('started'));
    for (const atMs of [0, 2000]) ui.onEvent(progress(mib, atMs, { bytesTotal: mib, isTotalKnown: false }));
    expect(people.lines).toHaveLength(1);
    expect(people.lines[0]).toMatch(/^big\.iso {2}1\.0 MiB {2}[^%]*\/s {2}CN:\d+\/\d+$/);
  });

  it('progress is told as often as asked for', () => {
    const { ui, people } = show({ progressEveryMs: 30_000 });
    ui.onEvent(file('started'));
    for (let atMs = 1000; atMs <= 91_000; atMs += 250) ui.onEvent(progress(Math.floor(mib * (atMs / 1000)), atMs));
    expect(people.lines.map((line) => line.split('  ')[2])).toEqual([
      '31 MiB of 100 MiB',
      '61 MiB of 100 MiB',
      '91 MiB of 100 MiB',
    ]);
  });

  it.each([
    [0, []],
    [
      1,
      [
        'connection 3 open (OpenSSH_9.2\\x1b[2J)',
        'connection 3 lost: gone; tried again in 2.0 s',
        'connection 3 given up',
      ],
    ],
    [
      2,
      [
        'connection 3 opening',
        'connection 3 open (OpenSSH_9.2\\x1b[2J)',
        'connection 3 lost: gone [connection-lost]; tried again in 2.0 s',
        'connection 3 given up',
      ],
    ],
  ])('verbosity %d tells of connections', (verbose, lines) => {
    const { ui, people } = show({ verbose });
    ui.onEvent(connection('opening'));
    ui.onEvent(connection('open', { description: 'OpenSSH_9.2\x1b[2J' }));
    ui.onEvent(connection('lost', { ...failure('connection-lost', 'gone'), retryInMs: 2000 }));
    ui.onEvent(connection('given-up'));
    expect(people.lines).toEqual(lines);
  });

  it('the failure of one file is told once, at the end', () => {
    const { ui, people } = show();
    ui.onEvent(file('failed', failure('no-space', 'No space left on the server')));
    expect(people.text).toBe('');
    ui.onEvent(result(4, failure('no-space', 'No space left on the server')));
    expect(people.lines).toEqual([
      'mtput: No space left on the server.',
      'Make room on the server, then run the same command again.',
    ]);
  });

  it('the last line of a failure says what is kept, of a success what was there', () => {
    const failed = show();
    failed.ui.onEvent(result(5, { ...failure('no-connection', 'No connection'), bytesKept: 120 * mib }));
    expect(failed.people.lines.at(-1)).toBe('120 MiB are safe on the server; the same command continues from there.');

    const lost = show();
    const kept = { bytesKept: 120 * mib, bytesKeptUnseen: 20 * mib };
    lost.ui.onEvent(result(5, { ...failure('no-connection', 'No connection'), ...kept }));
    expect(lost.people.lines.slice(-2)).toEqual([
      '100 MiB are safe on the server; the same command continues from there.',
      '20 MiB were stored when the server last answered; the same command continues with what is there.',
    ]);
    const resumed = show();
    resumed.ui.onEvent(file('started'));
    resumed.ui.onEvent(result(0, { bytesSent: 100 * mib, bytesResumed: 24 * mib, elapsedMs: 10_000 }));
    expect(resumed.people.lines).toEqual([
      'big.iso: 100 MiB (24 MiB were there already) in 10 s (10 MiB/s), 10 connections, verified by size',
    ]);
  });

  it('progress shows what was resumed apart', () => {
    const { ui, people } = show({ progressEveryMs: 30_000 });
    ui.onEvent(file('started'));
    ui.onEvent(progress(0, 0));
    ui.onEvent(progress(50 * mib, 60_000, { bytesResumed: 30 * mib }));
    expect(people.lines.at(-1)).toContain('50 MiB of 100 MiB  resumed 30 MiB  36 MiB/s');
  });

  it('the failure of one file is told even if the result has none', () => {
    const { ui, people } = show();
    ui.onEvent(file('failed', failure('source-missing', 'there is no x')));
    ui.onEvent(result(3));
    expect(people.lines).toEqual(['mtput: there is no x.', 'Check the path of the source.']);
  });

  it('with several files each failure is told, and how many there were', () => {
    const { ui, people } = show();
    ui.onEvent(plan(3));
    ui.onEvent(file('failed', failure('source-missing', 'there is no x')));
    ui.onEvent(result(1, { filesDone: 2, filesFailed: 1 }));
    expect(people.lines.slice(1)).toEqual([
      'mtput: dir/big.iso: there is no x.',
      'Check the path of the source.',
      '2 of 3 files: 1.2 GiB in 34 s (36 MiB/s), 10 connections, verified by size',
      '1 of 3 files failed. Run the same command again when the cause is removed.',
    ]);
  });

  it('a run that ends early says why last', () => {
    const { ui, people } = show();
    ui.onEvent(plan(3));
    ui.onEvent(result(5, { filesDone: 1, filesFailed: 2, ...failure('no-connection', 'no connection is left') }));
    expect(people.lines.at(-1)).toBe('Check host, port and network, then run the same command again.');
  });

  it.each([
    [{ byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 5 }, 'not verified'],
    [{ byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 }, 'verified by size'],
    [
      { byDigest: 0, byReadBack: 0, bySize: mib, notVerified: 2 * mib },
      '1.0 MiB verified by size, 2.0 MiB not verified',
    ],
  ])('%j is told as %s', (verified, text) => {
    const { ui, people } = show();
    ui.onEvent(result(0, { verified, connectionsUsed: 1 }));
    expect(people.lines[0]).toBe(`1 file: 1.2 GiB in 34 s (36 MiB/s), 1 connection, ${text}`);
  });

  it('stacks are shown with -vv alone', () => {
    const cause = new Error('outer', { cause: new Error('inner\x1b') });
    const { error } = failure('bug', 'outer');
    for (const verbose of [0, 1, 2]) {
      const { ui, people } = show({ verbose });
      ui.fail(error, cause);
      expect(people.lines.slice(0, 2)).toEqual(['mtput: outer.', 'Please report it with the output of -vv.']);
      expect(people.text.includes('at ')).toBe(verbose === 2);
      expect(people.text.includes('Error: inner\\x1b')).toBe(verbose === 2);
    }
  });
});

describe('quiet', () => {
  it('tells of failures alone', () => {
    const { ui, people } = show({ quiet: true });
    ui.say('warning', 'x');
    for (const event of [
      plan(2),
      file('started'),
      connection('open'),
      notice('warning', 'x'),
      progress(1, 0),
      file('done'),
    ]) {
      ui.onEvent(event);
    }
    ui.onEvent(result(0, { filesDone: 2 }));
    expect(people.text).toBe('');
    ui.onEvent(file('failed', failure('source-missing', 'there is no x')));
    ui.onEvent(result(1, { filesDone: 1, filesFailed: 1 }));
    expect(people.lines).toEqual([
      'mtput: dir/big.iso: there is no x.',
      'Check the path of the source.',
      '1 of 2 files failed. Run the same command again when the cause is removed.',
    ]);
  });

  it('still lists what was asked for', () => {
    const { ui, listing } = show({ quiet: true });
    ui.onEvent(file('would-copy', { source: 'a\udcff', target: 'b\n' }));
    expect(listing.lines).toEqual(['a\\xff -> b\\x0a (100 MiB)']);
  });
});

describe('a tree', () => {
  it('has totals that grow while it is walked', () => {
    const { ui, people } = show({ progressEveryMs: 1 });
    ui.onEvent(plan(0, { isGrowing: true, isTotalKnown: false }));
    ui.onEvent(progress(1, 0, { filesDone: 0, filesTotal: 0, isGrowing: true }));
    ui.onEvent(progress(mib, 10, { filesDone: 1234, filesTotal: 5678, isGrowing: true }));
    ui.onEvent(plan(5679));
    ui.onEvent(progress(mib, 20, { filesDone: 1234, filesTotal: 5679 }));
    expect(people.lines).toEqual([
      expect.stringContaining('1,234 of 5,678+ files'),
      '5,679 files, 100 MiB, to h:d over up to 10 connections',
      expect.stringContaining('1,234 of 5,679 files'),
    ]);
  });

  it.each<[what: string, more: Parameters<typeof result>[1], expected: string[]]>([
    ['all of it is up to date', { filesDone: 0, filesSkipped: 1234 }, ['1,234 files: nothing to copy.']],
    [
      'some of it is up to date',
      { filesDone: 2, filesSkipped: 1234, bytesSkipped: mib },
      [expect.stringContaining('; 1,234 files (1.0 MiB) needed no copy')],
    ],
    [
      'some files are not synced',
      { filesDone: 2, filesNotSynced: 1 },
      [expect.stringContaining('; 1 file not synced to the disk')],
    ],
    ['there is nothing in it', { filesDone: 0 }, []],
  ])('%s', (_, more, expected) => {
    const { ui, people } = show();
    ui.onEvent(plan(0, { isGrowing: true }));
    ui.onEvent(result(0, more));
    expect(people.lines).toEqual(expected);
  });

  it('counts the files that were skipped where others have failed', () => {
    const { ui, people } = show();
    ui.onEvent(plan(0, { isGrowing: true }));
    ui.onEvent(result(1, { filesDone: 0, filesFailed: 2, filesSkipped: 1000 }));
    expect(people.lines).toEqual([
      'Of 1,002 files, 1,000 need no copy.',
      '2 of 1,002 files failed. Run the same command again when the cause is removed.',
    ]);
  });

  it('tells of a file that is up to date with -vv alone', () => {
    for (const verbose of [0, 1, 2]) {
      const { ui, people } = show({ verbose });
      ui.onEvent(plan(0, { isGrowing: true }));
      ui.onEvent(file('skipped'));
      expect(people.lines).toEqual(verbose === 2 ? ['big.iso: needs no copy, 100 MiB'] : []);
    }
  });

  it('lists a thousand failures, counts the others, and still tells what ended the run', () => {
    const { ui, people } = show();
    ui.onEvent(plan(0, { isGrowing: true }));
    for (let n = 0; n < 1500; n++) ui.onEvent(file('failed', failure('source-unreadable', `No right to read ${n}`)));
    const listed = people.lines.length;
    expect(people.lines.filter((line) => line.includes('No right to read'))).toHaveLength(1000);
    ui.onEvent(result(5, { filesDone: 0, filesFailed: 1500, ...failure('no-connection', 'All connections are gone') }));
    expect(people.lines.slice(listed).join(' ')).toContain('All connections are gone');
  });
});
