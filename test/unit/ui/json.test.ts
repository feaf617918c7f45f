import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonUi, toJsonLine } from '../../../src/ui/json.ts';
import { makePaint } from '../../../src/ui/paint.ts';
import { QuietUi } from '../../../src/ui/quiet.ts';
import { unsafeText } from '../../../src/util/clean-text.ts';
import { anyText } from '../../support/any-text.ts';
import { Collector, failure, file, plan, progress, result } from './events.ts';

describe('--json', () => {
  it('writes every event as one line, and failures for people too', () => {
    const output = new Collector();
    const people = new Collector();
    const quiet = new QuietUi({
      program: 'mtput',
      paint: makePaint(false),
      verbose: 0,
      errorStream: people.stream,
      outputStream: output.stream,
      progressEveryMs: undefined,
    });
    const ui = new JsonUi(output, quiet);
    const events = [
      plan(1, { dryRun: true }),
      file('would-copy'),
      progress(1, 0),
      result(5, failure('no-connection', 'none is left')),
    ];
    for (const event of events) ui.onEvent(event);
    expect(output.lines.map((line) => JSON.parse(line))).toEqual(events);
    expect(people.lines).toEqual([
      'mtput: none is left.',
      'Check host, port and network, then run the same command again.',
    ]);
  });

  it('escapes what a terminal would obey, and loses nothing', () => {
    expect(toJsonLine('\x1b\x9b\u202e\udc80\u2028')).toBe('"\\u001b\\u009b\\u202e\\udc80\\u2028"');
    const invisible = '\u00ad\u180e\u061c\u2060\ufeff\ufff9\u{e0041}';
    expect(toJsonLine(invisible)).toBe('"\\u00ad\\u180e\\u061c\\u2060\\ufeff\\ufff9\\udb40\\udc41"');
    expect(JSON.parse(toJsonLine(invisible))).toBe(invisible);
    fc.assert(
      fc.property(anyText(), (value) => {
        const line = toJsonLine({ value });
        expect(line).not.toMatch(new RegExp(unsafeText.source, 'u'));
        expect(JSON.parse(line)).toEqual({ value });
      }),
    );
  });
});
