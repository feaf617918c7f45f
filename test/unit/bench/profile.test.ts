import { describe, expect, it } from 'vitest';
import { type CpuProfile, selfTimes } from '../../../bench/support/profile/cpu-profile.ts';
import { ModuleNames, moduleInBundle } from '../../../bench/support/profile/module-names.ts';
import { groupOf } from '../../../bench/support/profile/profile-groups.ts';
import { summarize } from '../../../bench/support/profile/profile-summary.ts';

const BUNDLE = [
  '// src/engine/schedule/grid.ts',
  'function cells() {',
  '}',
  '// src/remotes/session.ts',
  'function send() {}',
];
const BUNDLE_URL = 'file:///somewhere/dist/chunks/chunk-1.js';

function node(id: number, functionName: string, url: string, lineNumber: number, children: number[] = []) {
  return { id, callFrame: { functionName, url, lineNumber }, children };
}

/** Three samples a second apart, the last of them until the end a second later. */
const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', -1, [2, 5]),
    node(2, 'send', BUNDLE_URL, 4, [3]),
    node(3, 'write', 'file:///somewhere/node_modules/ssh2/lib/protocol/crypto.js', 9, [4]),
    node(4, 'encrypt', '', -1),
    node(5, '(idle)', '', -1),
  ],
  startTime: 0,
  endTime: 4_000_000,
  samples: [2, 4, 5],
  timeDeltas: [1_000_000, 1_000_000, 1_000_000],
};

describe('selfTimes', () => {
  it('gives a sample the time until the next one', () => {
    expect(selfTimes(PROFILE).map(({ frame, seconds }) => [frame.functionName, seconds])).toEqual([
      ['send', 1],
      ['encrypt', 1],
      ['(idle)', 1],
    ]);
  });

  it('knows the nearest caller with a file', () => {
    const encrypt = selfTimes(PROFILE).find(({ frame }) => frame.functionName === 'encrypt');
    expect(encrypt?.callerUrl).toMatch(/crypto\.js$/);
  });
});

describe('moduleInBundle', () => {
  it('is the one whose name stands last above the line', () => {
    const text = BUNDLE.join('\n');
    expect(moduleInBundle(text, 1)).toBe('src/engine/schedule/grid.ts');
    expect(moduleInBundle(text, 4)).toBe('src/remotes/session.ts');
    expect(moduleInBundle('let a;\n// src/late.ts', 0)).toBeUndefined();
  });
});

describe('ModuleNames', () => {
  it.each([
    ['node:fs', 'node:fs'],
    ['', ''],
    ['file:///home/me/node_modules/ssh2/lib/client.js', 'ssh2/lib/client.js'],
    ['/home/me/node_modules/a/node_modules/b/c.js', 'b/c.js'],
    ['file:///home/me/secret.js', 'elsewhere'],
    [BUNDLE_URL, 'src/remotes/session.ts'],
  ])('calls %j %j: no path of the machine', (url, expected) => {
    expect(new ModuleNames(() => BUNDLE.join('\n')).of(url, 4)).toBe(expected);
  });
});

describe('groupOf', () => {
  it.each([
    ['(garbage collector)', '', '', 'garbage collection'],
    ['(program)', '', '', 'native code without a caller'],
    ['(root)', '', '', 'other'],
    ['encrypt', '', 'ssh2/lib/protocol/crypto.js', 'encryption'],
    ['encrypt', '', 'src/remotes/sftp/ssh/fast-path.ts', 'encryption'],
    ['update', 'node:internal/crypto/cipher', '', 'encryption'],
    ['encrypt', 'ssh2/lib/protocol/crypto.js', '', 'encryption'],
    ['update', '', 'ssh2/lib/protocol/crypto.js', 'encryption'],
    ['parse', 'ssh2/lib/protocol/Protocol.js', '', 'ssh2'],
    ['randomFillSync', 'node:internal/crypto/random', '', 'random numbers'],
    ['writev', '', 'node:internal/stream_base_commons', 'streams and sockets'],
    ['onwrite', 'node:internal/streams/writable', '', 'streams and sockets'],
    ['connect', 'node:net', '', 'streams and sockets'],
    ['readBuffers', '', 'node:fs', 'file reads'],
    ['then', 'node:internal/process/task_queues', '', 'rest of Node'],
    ['copy', '', 'src/remotes/sftp/slice-writer.ts', 'SFTP session and slice writer'],
    ['send', 'src/remotes/sftp/ssh/dial.ts', '', 'our side of SSH'],
    ['next', 'src/engine/schedule/scheduler.ts', '', 'engine and workers'],
    ['put', 'src/transfer.ts', '', 'engine and workers'],
    ['paint', 'src/ui/paint.ts', '', 'rest of mtput'],
    ['retry', 'p-retry/index.js', '', 'other'],
  ])('%s in %j called by %j is %s', (functionName, module, callerModule, expected) => {
    expect(groupOf({ functionName, module, callerModule })).toBe(expected);
  });
});

describe('summarize', () => {
  it('adds threads up, by group and by function', () => {
    const summary = summarize([PROFILE, PROFILE], new ModuleNames(() => BUNDLE.join('\n')));
    expect(summary).toEqual({
      threads: 2,
      groups: [
        { group: 'encryption', seconds: 2 },
        { group: 'SFTP session and slice writer', seconds: 2 },
        { group: 'idle', seconds: 2 },
      ],
      functions: [
        { name: 'send', module: 'src/remotes/session.ts', group: 'SFTP session and slice writer', seconds: 2 },
        { name: 'encrypt (native)', module: 'ssh2/lib/protocol/crypto.js', group: 'encryption', seconds: 2 },
      ],
    });
  });
});
