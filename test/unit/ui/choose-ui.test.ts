import { describe, expect, it } from 'vitest';
import { chooseUi, type UiChoice, usesColor } from '../../../src/ui/choose-ui.ts';
import { displayWidth, truncate } from '../../../src/ui/display-width.ts';
import { JsonUi } from '../../../src/ui/json.ts';
import { PlainUi } from '../../../src/ui/plain.ts';
import { QuietUi } from '../../../src/ui/quiet.ts';
import { TerminalUi } from '../../../src/ui/terminal.ts';
import { Collector, progress } from './events.ts';

function choice(more: Partial<UiChoice> = {}, terminal = true): UiChoice {
  return {
    program: 'mtput',
    quiet: false,
    verbose: 0,
    json: false,
    progress: 'auto',
    color: 'auto',
    environment: { TERM: 'xterm' },
    outputStream: new Collector().stream,
    errorStream: new Collector(terminal).stream,
    ...more,
  };
}

describe('the display', () => {
  it.each([
    ['a terminal', choice(), TerminalUi],
    ['no terminal', choice({}, false), PlainUi],
    ['a dumb terminal', choice({ environment: { TERM: 'dumb' } }), PlainUi],
    ['no colours', choice({ environment: { TERM: 'xterm', NO_COLOR: '1' } }), TerminalUi],
    ['--progress never', choice({ progress: 'never' }), PlainUi],
    ['--progress always without a terminal', choice({ progress: 'always' }, false), PlainUi],
    ['-q', choice({ quiet: true }), QuietUi],
    ['--json', choice({ json: true }), JsonUi],
    ['--json -q', choice({ json: true, quiet: true }), JsonUi],
  ])('fits %s', async (_what, chosen, kind) => {
    expect((await chooseUi(chosen)).constructor).toBe(kind);
  });

  it.each([
    ['auto', 30_000],
    ['always', 10_000],
    ['never', undefined],
  ] as const)('tells progress in lines: %s', async (when, every) => {
    expect(((await chooseUi(choice({ progress: when }, false))) as PlainUi).options.progressEveryMs).toBe(every);
  });

  it('tells people of progress beside --json only where asked to', async () => {
    for (const when of ['auto', 'always'] as const) {
      const people = new Collector();
      const ui = await chooseUi(choice({ json: true, progress: when, errorStream: people.stream }));
      ui.onEvent(progress(1, 0));
      ui.onEvent(progress(2, 20_000));
      expect(people.lines).toHaveLength(when === 'always' ? 1 : 0);
    }
  });

  it.each([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { TERM: 'dumb' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true],
    ['never', {}, true, false],
  ] as const)('--color %s with %j, terminal %s: %s', (color, environment, terminal, expected) => {
    expect(usesColor(choice({ color, environment }, terminal))).toBe(expected);
  });
});

describe('the width of text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['\u00e9', 1],
    ['e\u0301', 1],
    ['一二', 4],
    ['한', 2],
    ['\u{1f600}', 2],
    ['\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', 2],
    ['\u200b', 0],
  ])('%j is %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['一二三', 5, '一二…'],
    ['一二三', 4, '一…'],
    ['ab', 1, '…'],
    ['ab', 0, ''],
  ])('%j in %d cells is %j', (text, columns, shown) => {
    expect(truncate(text, columns)).toBe(shown);
  });
});
