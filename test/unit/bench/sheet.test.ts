import { describe, expect, it } from 'vitest';
import { barLine } from '../../../bench/support/bars.ts';
import { changingLines, withUnchanged } from '../../../bench/support/changing-lines.ts';
import { plainSheet, show } from '../../../bench/support/sheet.ts';
import { bulkSheet } from '../../../bench/support/sheets/bulk.ts';
import { changingSheet } from '../../../bench/support/sheets/changing.ts';
import { memorySheet } from '../../../bench/support/sheets/memory.ts';
import { resumeSheet } from '../../../bench/support/sheets/resume.ts';
import { shapedSheet } from '../../../bench/support/sheets/shaped.ts';
import { verifySheet } from '../../../bench/support/sheets/verify.ts';
import { bulk, environment, resume, verify } from './sample-results.ts';

describe('barLine', () => {
  const bar = { what: 'time', atMost: 7.5, unit: ' s' };

  it.each([
    [7.5, 'time: 7.5 s (at most 7.5 s is wanted): holds'],
    [7.512_34, 'time: 7.512 s (at most 7.5 s is wanted): MISSED'],
    [undefined, 'time: not measured (at most 7.5 s is wanted)'],
  ])('judges %s', (value, expected) => {
    expect(barLine({ ...bar, value })).toBe(expected);
  });
});

describe('show', () => {
  it('makes figures out of runs, with a dash for what is not known', () => {
    expect(show(bulkSheet('up'), bulk)).toEqual({
      head: ['', 'runs', 'seconds', '÷ scp', 'CPU s/GiB', 'MiB'],
      rows: [
        ['mtput -n 2', '1', '1.80', '0.90', '1.50', '66'],
        ['scp', '1', '2.00', '1.00', '-', '-'],
      ],
      bars: [
        'mtput, time ÷ scp: 0.9 (at most 0.9 is wanted): holds',
        'mtput, processor time a GiB: 1.5 s (at most 1.3 s is wanted): MISSED',
      ],
    });
  });

  it('judges nothing by a row that is not there', () => {
    const { bars } = show(bulkSheet('up'), { ...bulk, median: { mtput: {} } });
    expect(bars[0]).toBe('mtput, time ÷ scp: not measured (at most 0.9 is wanted)');
  });

  it('counts memory in millions of bytes', () => {
    const runs = [{ tool: 'mtput', seconds: 9, maxRssMiB: 200 }];
    const { rows } = show(memorySheet('up'), { ...environment, scene: 'memory', median: { mtput: {} }, runs });
    expect(rows).toEqual([['mtput', '1', '209.7', '200', '9.00']]);
  });

  it('begins with plain sockets, and reads results without labels', () => {
    const { rows } = show(shapedSheet('up'), {
      ...environment,
      scene: 'shaped',
      bytes: 400_000_000,
      limitSeconds: 20,
      plainSockets: { seconds: 20.5, ofNominal: 0.98 },
      median: { mtput: {} },
      runs: [{ tool: 'mtput', seconds: 22, ratio: 1.1 }],
    });
    expect(rows).toEqual([
      ['plain sockets', '1', '20.5', '1.02', '19.51', '-', '-'],
      ['mtput', '1', '22.0', '1.10', '18.18', '-', '-'],
    ]);
  });
});

describe('the sheet of verify', () => {
  it('divides by the same server without digests', () => {
    expect(show(verifySheet, verify)).toEqual({
      head: ['', 'runs', 'seconds', 'time ÷ none', 'CPU s/GiB', 'CPU ÷ none', 'MiB'],
      rows: [
        ['sshd, --verify none', '1', '2.00', '1.00', '1.50', '1.00', '-'],
        ['sshd, digests by its shell', '1', '3.00', '1.50', '2.25', '1.50', '-'],
        ['proftpd, digests by check-file', '1', '4.00', '-', '2.00', '-', '-'],
      ],
      bars: [],
    });
  });
});

describe('the sheet of changing', () => {
  it('divides by the same line unchanged, and judges only what was measured', () => {
    const runs = [
      { tool: 'near', seconds: 30 },
      { tool: 'rises', seconds: 33 },
      { tool: 'falls', seconds: 31 },
    ];
    const median = { near: {}, rises: {}, falls: {} };
    const { rows, bars } = show(changingSheet('up'), { ...environment, scene: 'changing', bytes: 600e6, median, runs });
    expect(rows.map((cells) => cells[3])).toEqual(['1.00', '1.10', '-']);
    expect(bars).toHaveLength(5);
    expect(bars[0]).toMatch(/: 1\.1 \(at most 1\.15 is wanted\): holds$/);
    expect(bars.filter((bar) => bar.includes('not measured'))).toHaveLength(4);
  });

  it('measures the unchanged line of each that is asked for', () => {
    const lines = changingLines('up');
    const names = (asked: string) =>
      withUnchanged(
        lines,
        lines.filter(({ name }) => name === asked),
      ).map(({ name }) => name);
    expect(names('rises')).toEqual(['near', 'rises']);
    expect(names('shared')).toEqual(['ten', 'shared']);
    expect(names('far')).toEqual(['far']);
  });
});

describe('the sheet of resume', () => {
  it('divides by what takes longer, both digests or what is missing', () => {
    const { head, rows, bars } = show(resumeSheet, resume);
    expect(head).toEqual(['', 'runs', 'seconds', 'time ÷ limit', 'sent MiB', 'CPU s', 'MiB']);
    expect(rows.map((cells) => cells.slice(2, 5))).toEqual([
      ['2.00', '1.00', '-'],
      ['0.50', '0.25', '-'],
      ['2.60', '1.30', '51.2'],
    ]);
    expect(bars).toEqual(['run again, time ÷ limit: 1.3 (at most 1.4 is wanted): holds']);
    expect(resumeSheet.measured(resume)).toContain('5.0 % of it were missing');
  });

  it('judges by what is missing where sending it takes longer', () => {
    const runs = [...resume.runs, { tool: 'missing', seconds: 5.5 }];
    const { bars } = show(resumeSheet, { ...resume, runs });
    expect(bars[0]).toContain('time ÷ limit: 0.867');
  });

  it('judges nothing without openssl', () => {
    const { rows, bars } = show(resumeSheet, { ...resume, median: { missing: {}, resume: {} } });
    expect(rows.map((cells) => cells[3])).toEqual(['-', '-']);
    expect(bars).toEqual(['run again, time ÷ limit: not measured (at most 1.4 is wanted)']);
  });
});

describe('plainSheet', () => {
  it('ends with the table where there are no bars', () => {
    expect(plainSheet(verifySheet, verify).split('\n')).toHaveLength(5);
  });

  it('has the bars below the table', () => {
    const lines = plainSheet(bulkSheet('up'), bulk).split('\n');
    expect(lines).toHaveLength(7);
    expect(lines[4]).toBe('');
    expect(lines[5]).toContain('holds');
  });
});
