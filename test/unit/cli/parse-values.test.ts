import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/cli/parse-duration.ts';
import { parseNumber } from '../../../src/cli/parse-number.ts';
import { parseRate } from '../../../src/cli/parse-rate.ts';
import { parsePieceSize, parseSize } from '../../../src/cli/parse-size.ts';

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    ['64K', 65536],
    ['4m', 4194304],
    ['4MiB', 4194304],
    ['1.5G', 1.5 * 1024 ** 3],
    ['2T', 2 * 1024 ** 4],
    ['10B', 10],
  ])('%s is %d', (text, bytes) => {
    expect(parseSize(text, '-s')).toBe(bytes);
  });

  it.each(['', 'M', '4MB', '-1', '4 M', '0.3K', '99999T', '1e6', 'NaN'])('%j is refused', (text) => {
    expect(() => parseSize(text, '-s')).toThrow(`-s takes a size, not '${text}'`);
  });
});

describe('piece sizes', () => {
  it('are powers of two', () => {
    expect(parsePieceSize('64K', '-s')).toBe(65536);
    expect(parsePieceSize('8M', '-s')).toBe(8388608);
  });

  it('name the nearest power of two', () => {
    expect(() => parsePieceSize('5M', '-s')).toThrow(
      expect.objectContaining({
        code: 'usage',
        exitCode: 2,
        message: '-s 5M is not a power of two',
        advice: 'Use 4M or 8M.',
      }),
    );
  });

  it.each(['32K', '0', '2048T'])('%s is out of range', (text) => {
    expect(() => parsePieceSize(text, '-s')).toThrow('out of range');
  });
});

describe('rates', () => {
  it.each([
    ['10M', 10485760],
    ['10MiB/s', 10485760],
    ['0.5k', 512],
    ['500000B/s', 500000],
  ])('%s is %d bytes a second', (text, rate) => {
    expect(parseRate(text, '--limit')).toBe(rate);
  });

  it('need a unit', () => {
    expect(() => parseRate('10', '--limit')).toThrow(
      expect.objectContaining({
        message: '--limit 10 has no unit',
        advice: 'Write 10K or 10M for KiB or MiB a second.',
      }),
    );
  });

  it.each(['10Mbit', '', 'fast', '10MB'])('%j is refused', (text) => {
    expect(() => parseRate(text, '--limit')).toThrow('takes a rate');
  });

  it('are above zero', () => {
    expect(() => parseRate('0K', '--limit')).toThrow('would send nothing');
  });
});

describe('durations', () => {
  it.each([
    ['15', 15_000],
    ['15s', 15_000],
    ['250ms', 250],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['24d', 24 * 86_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text, '--retry-for', 0)).toBe(ms);
  });

  it.each([
    ['', 'takes a duration'],
    ['15 s', 'takes a duration'],
    ['-1', 'takes a duration'],
    ['1m30s', 'takes a duration'],
    ['25d', 'too long'],
    ['0', 'too short'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseDuration(text, '--stall-timeout', 1)).toThrow(message);
  });
});

describe('numbers', () => {
  it('keep to their bounds', () => {
    expect(parseNumber('65535', '-P', 'a port', 1, 65535)).toBe(65535);
    for (const text of ['0', '65536', '1.5', '0x10', ' 1', '', '9'.repeat(400)]) {
      expect(() => parseNumber(text, '-P', 'a port', 1, 65535)).toThrow(`-P takes a port, not '${text}'`);
    }
  });
});
