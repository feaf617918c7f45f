import { describe, expect, it } from 'vitest';
import { checkVerified, measureJson, resultOf } from '../../../bench/support/verified-upload.ts';

function result(byDigest: number): string {
  const verified = { byDigest, byReadBack: 0, bySize: 10 - byDigest, notVerified: 0 };
  return JSON.stringify({ type: 'result', exitCode: 0, bytesSent: 7, bytesResumed: 3, verified });
}

describe('resultOf', () => {
  it('finds it among the events', () => {
    expect(resultOf(`{"type":"progress"}\n${result(10)}\n`).bytesSent).toBe(7);
  });

  it('misses it in what was cut off', () => {
    expect(() => resultOf('{"type":"progress"}\n')).toThrow('no result');
  });
});

describe('checkVerified', () => {
  it('wants digests of every byte', () => {
    expect(() => checkVerified(resultOf(result(10)), 10)).not.toThrow();
    expect(() => checkVerified(resultOf(result(4)), 10)).toThrow('only 4 were verified by digests');
  });
});

describe('measureJson', () => {
  const call = (program: string) => ({ command: process.execPath, args: ['-e', program], env: {} });

  it('notes what was sent', async () => {
    const checked: number[] = [];
    const run = await measureJson(call(`console.log(${JSON.stringify(result(10))})`), ({ bytesResumed }) => {
      checked.push(bytesResumed);
    });
    expect(run).toMatchObject({ code: 0, bytesSent: 7 });
    expect(checked).toEqual([3]);
  });

  it('asks nothing of a run that failed', async () => {
    const run = await measureJson(call('process.exit(5)'), () => {
      throw new Error('asked');
    });
    expect(run.code).toBe(5);
  });
});
