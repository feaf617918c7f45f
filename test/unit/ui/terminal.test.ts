import { describe, expect, it } from 'vitest';
import { makePaint } from '../../../src/ui/paint.ts';
import { TerminalUi } from '../../../src/ui/terminal.ts';
import { Collector, failure, file, mib, notice, plan, progress, result } from './events.ts';
import { Screen } from './screen.ts';

function terminal(columns = 80) {
  const people = new Collector(true, columns);
  const listing = new Collector();
  const ui = new TerminalUi({
    program: 'mtput',
    paint: makePaint(false),
    verbose: 0,
    errorStream: people.stream,
    outputStream: listing.stream,
  });
  return { ui, listing, screen: () => new Screen(people.text).lines };
}

describe('on a terminal', () => {
  it('one line is drawn over, notices stay above it, the summary remains', () => {
    const { ui, screen } = terminal();
    ui.onEvent(plan());
    expect(screen()).toEqual(['h:d  connecting  CN:0/10']);
    ui.onEvent(file('started'));
    ui.onEvent(progress(42 * mib, 0));
    expect(screen()).toEqual(['big.iso  42%  42 MiB of 100 MiB  36 MiB/s  ETA 20 s  CN:7/10']);
    ui.onEvent(notice('warning', 'one connection writes the file'));
    expect(screen()).toEqual([
      'warning: one connection writes the file.',
      'big.iso  42%  42 MiB of 100 MiB  36 MiB/s  ETA 20 s  CN:7/10',
    ]);
    ui.onEvent(progress(100 * mib, 250));
    expect(screen()[1]).toBe('big.iso  100%  100 MiB of 100 MiB  36 MiB/s  finishing  CN:7/10');
    ui.onEvent(file('done'));
    ui.onEvent(result());
    ui.close();
    expect(screen()).toEqual([
      'warning: one connection writes the file.',
      'big.iso: 1.2 GiB in 34 s (36 MiB/s), 10 connections, verified by size',
    ]);
  });

  it('the last line after a failure says what to do', () => {
    const { ui, screen } = terminal();
    ui.onEvent(plan());
    ui.onEvent(progress(1, 0));
    ui.onEvent(result(130, failure('cancelled', 'interrupted')));
    ui.onEvent(progress(2, 1));
    ui.close();
    expect(screen()).toEqual(['mtput: interrupted.', 'Run the same command again.']);
  });

  it('a question has the terminal to itself', () => {
    const { ui, screen } = terminal();
    ui.onEvent(plan());
    ui.pause();
    expect(screen()).toEqual([]);
    ui.onEvent(notice('info', 'Meanwhile'));
    ui.onEvent(progress(42 * mib, 0));
    expect(screen()).toEqual([]);
    ui.resume();
    expect(screen()).toEqual(['Meanwhile.', expect.stringContaining('42%')]);
  });

  it('never takes more than one row', () => {
    for (const columns of [1, 10, 30, 50, 60, 80, 200]) {
      const { ui, screen } = terminal(columns);
      ui.onEvent(plan());
      ui.onEvent(file('started', { source: 'x/一二三四五六七八九十-a-long-name.iso' }));
      ui.onEvent(progress(42 * mib, 0));
      ui.onEvent(progress(43 * mib, 0));
      expect(screen().length).toBeLessThanOrEqual(1);
      expect((screen()[0] ?? '').length).toBeLessThan(Math.max(2, columns));
    }
  });

  it('what would be copied is listed on stdout alone', () => {
    const { ui, listing, screen } = terminal();
    ui.onEvent(plan(1, { dryRun: true }));
    ui.onEvent(file('would-copy', { replaces: true }));
    ui.onEvent(result(0, { bytesSent: 0 }));
    ui.close();
    expect(listing.lines).toEqual(['dir/big.iso -> /home/u/big.iso (100 MiB, replaces what is there)']);
    expect(screen()).toEqual([]);
  });
});
