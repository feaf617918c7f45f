import { describe, expect, it } from 'vitest';
import { measureProcess } from '../../../bench/support/harness.ts';
import { treeSeconds } from '../../../bench/support/process-usage.ts';

describe('treeSeconds', () => {
  it('is what was waited for, where that holds all that was seen', () => {
    expect(treeSeconds(1.5, 0.4, 0.9)).toBe(1.5);
  });

  it('adds what was seen of children that nobody waited for', () => {
    expect(treeSeconds(1, 0.9, 1.25)).toBe(2.25);
  });
});

describe.skipIf(process.platform !== 'linux')('measureProcess', () => {
  /** Works for 0.6 s of processor time. */
  const work = 'while (process.cpuUsage().user + process.cpuUsage().system < 6e5);';
  /** Then waits for its parent to be gone. */
  const workAndStay = `${work} process.stdout.write('done'); process.stdin.resume();`;
  const start = (program: string): string =>
    `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(program)}]);`;

  it.each([
    ['itself', work],
    ['a child of it', start(work)],
    // Long enough for another look at it.
    [
      'a child it does not wait for',
      `${start(workAndStay)} child.stdout.on('data', () => setTimeout(() => process.exit(), 600));`,
    ],
  ])('counts what %s uses', async (_, program) => {
    const { cpuSeconds, maxRssMiB, seconds } = await measureProcess({
      command: process.execPath,
      args: ['-e', program],
      env: { PATH: process.env['PATH'] },
    });
    expect(cpuSeconds).toBeGreaterThan(0.5);
    expect(cpuSeconds).toBeLessThan(1.5);
    expect(seconds).toBeGreaterThan(0.5);
    expect(maxRssMiB).toBeGreaterThan(10);
  });
});
