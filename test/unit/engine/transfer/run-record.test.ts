import { describe, expect, test } from 'vitest';
import type { TransferEventBody } from '../../../../src/engine/events.ts';
import type { PlannedFile } from '../../../../src/engine/transfer/direction.ts';
import { OnceNotices } from '../../../../src/engine/transfer/once-notices.ts';
import { RunRecord } from '../../../../src/engine/transfer/run-record.ts';
import { CopyError } from '../../../../src/errors.ts';

function scene() {
  const events: TransferEventBody[] = [];
  const report = { emit: (event: TransferEventBody) => void events.push(event), notice: () => {} };
  const options = { pieceSize: 'auto', verify: 'size', retryForMs: 0 } as const;
  const services = { options, report, digests: { isWanted: false } } as unknown as ConstructorParameters<
    typeof OnceNotices
  >[0];
  const record = new RunRecord(report, new OnceNotices(services, 'upload'));
  const states = (): string[] => events.flatMap((event) => (event.type === 'file' ? [event.state] : []));
  const totals = () => {
    const { filesTotal, bytesTotal, filesDone } = record.progress;
    return { filesTotal, bytesTotal, filesDone };
  };
  return { record, events, states, totals };
}

function fileOf(size: number, more: Partial<PlannedFile> = {}): PlannedFile {
  return { paths: { source: 's', target: 't' }, size, isStream: false, replaces: false, ...more };
}

const RESULT = { isSizeVerified: true, verified: { byDigest: 0, byReadBack: 0 } };
const ERROR = new CopyError('source-unreadable', 'no');
const lockRoot = { path: Buffer.from('/'), isLocal: false };

describe('a tree', () => {
  test('its totals have what is planned, not what need not be copied', () => {
    const { record, states, totals } = scene();
    record.prepared({
      lockRoot,
      destination: 'd',
      known: { files: 0, bytes: 0, streams: 0 },
      isGrowing: true,
      failures: [],
    });
    record.planned(fileOf(10));
    record.planned(fileOf(20));
    record.skipped(fileOf(40), false);
    expect([record.progress.isTotalKnown, totals()]).toEqual([false, { filesTotal: 2, bytesTotal: 30, filesDone: 0 }]);
    record.progress.onAllPlanned();
    record.skipped(fileOf(20), true);
    record.started(fileOf(10));
    record.done(fileOf(10), { bytes: 11, ...RESULT }, 0);
    expect([record.progress.isTotalKnown, totals()]).toEqual([true, { filesTotal: 1, bytesTotal: 11, filesDone: 1 }]);
    expect(record.totals.all(0)).toMatchObject({ filesDone: 1, filesFailed: 0, filesSkipped: 2, bytesSkipped: 60 });
    expect(states()).toEqual(['skipped', 'skipped', 'started', 'done']);
  });

  test('a file that cannot be planned counts as a file, and its bytes do not', () => {
    const { record, totals, states } = scene();
    record.plannedInVain({ ...fileOf(10), error: ERROR });
    expect(totals()).toEqual({ filesTotal: 1, bytesTotal: 0, filesDone: 0 });
    expect([record.totals.filesFailed, record.totals.firstFailure, states()]).toEqual([1, ERROR, ['failed']]);
  });
});

test('a named file that was known is not counted twice', () => {
  const { record, totals } = scene();
  record.prepared({ lockRoot, destination: 'd', known: { files: 3, bytes: 60, streams: 0 }, failures: [] });
  record.planned(fileOf(10));
  record.skipped(fileOf(20), false);
  record.plannedInVain({ ...fileOf(30), error: ERROR });
  expect(totals()).toEqual({ filesTotal: 2, bytesTotal: 10, filesDone: 0 });
});

test('files that are not synced are counted', () => {
  const { record } = scene();
  for (const isNotSynced of [true, false, true]) {
    record.planned(fileOf(1));
    record.done(fileOf(1), { bytes: 1, ...RESULT, isNotSynced }, 0);
  }
  expect(record.totals.all(0)).toMatchObject({ filesDone: 3, filesNotSynced: 2 });
});

test('a link that was made is told of', () => {
  const { record, events } = scene();
  record.made({ source: 'l', target: 'm' });
  expect(events).toEqual([{ type: 'file', state: 'done', source: 'l', target: 'm', size: 0 }]);
});
