import { describe, expect, it } from 'vitest';
import { bytesOf, programOf, sceneNamed, titled, transferWords } from '../../../bench/support/direction.ts';

describe('a direction', () => {
  it('names program, scene and title', () => {
    expect([programOf('up'), sceneNamed('long', 'up'), titled('A long way', 'up')]).toEqual([
      'mtput',
      'long',
      'A long way',
    ]);
    expect([programOf('down'), sceneNamed('long', 'down'), titled('A long way', 'down')]).toEqual([
      'mtget',
      'long-down',
      'A long way, for downloads',
    ]);
    expect([transferWords('up'), transferWords('down')]).toEqual(['An upload', 'A download']);
  });

  it('tells which of the bytes on the line are those of the file', () => {
    const counted = { bytesUp: 1, bytesDown: 2 };
    expect([bytesOf(counted, 'up'), bytesOf(counted, 'down')]).toEqual([1, 2]);
  });
});
