import { expect, test } from 'vitest';
import { type AdmittingPool, FileAdmission } from '../../../../src/engine/connections/file-admission.ts';
import { isRefusedOpen } from '../../../../src/engine/upload/refused-open.ts';
import { CopyError } from '../../../../src/errors.ts';

const refusal = new CopyError('destination-permission', 'The server refused to open x: Permission denied.', {
  refused: { operation: 'open', text: 'Permission denied' },
});

/** A pool of `count` connections, and a server that opens files while at most `admitted` are open. */
function scene(count: number, admitted: number) {
  let most = count;
  let open = Array.from({ length: count }, (_, index) => index + 1);
  const told: string[] = [];
  const counts: number[] = [];
  const pool: AdmittingPool = {
    get open() {
      return open;
    },
    get wanted() {
      return Math.min(count, most);
    },
    drop: (connection) => {
      open = open.filter((one) => one !== connection);
    },
    limit: (_reason, limit) => {
      most = Math.max(1, limit);
      open = open.slice(0, most);
    },
  };
  const admission = new FileAdmission({
    purpose: 'write',
    isRefusedOpen,
    wait: async () => {},
    notice: (message) => told.push(message),
  });
  const attempt = async (): Promise<string> => {
    counts.push(open.length);
    if (open.length > admitted) throw refusal;
    return 'opened';
  };
  return { pool, admission, attempt, told, counts };
}

test('a file that is opened at once needs no fewer connections', async () => {
  const { pool, admission, attempt, told, counts } = scene(4, 4);
  expect(await admission.admit(pool, attempt, () => true)).toBe('opened');
  expect({ counts, told, wanted: pool.wanted }).toEqual({ counts: [4], told: [], wanted: 4 });
});

test('as many connections are used as the server admits, and one line says so', async () => {
  const { pool, admission, attempt, told } = scene(10, 3);
  expect(await admission.admit(pool, attempt, () => true)).toBe('opened');
  expect(pool.wanted).toBe(3);
  expect(told).toEqual([expect.stringMatching(/^3 connections are used, because .*Permission denied\)\.$/)]);
});

test('files that are refused at the same time close no more connections than one of them', async () => {
  const { pool, admission, attempt, told } = scene(10, 3);
  await Promise.all([1, 2, 3].map(() => admission.admit(pool, attempt, () => true)));
  expect(pool.wanted).toBe(3);
  expect(told).toHaveLength(1);
});

test('where the number is not the reason, all connections are used again, and it is not tried again', async () => {
  const { pool, admission, attempt, told, counts } = scene(4, 0);
  await expect(admission.admit(pool, attempt, () => true)).rejects.toBe(refusal);
  expect(pool.wanted).toBe(4);
  expect(admission.mayHelp).toBe(false);
  const { length } = counts;
  await expect(admission.admit(pool, attempt, () => true)).rejects.toBe(refusal);
  expect(counts.length).toBe(length + 1);
  expect(told).toEqual([]);
});

test('a file that may never be opened does not undo what helped others', async () => {
  const { pool, admission, attempt } = scene(10, 3);
  await admission.admit(pool, attempt, () => true);
  const secret = () => Promise.reject(refusal);
  await expect(admission.admit(pool, secret, () => true)).rejects.toBe(refusal);
  expect(pool.wanted).toBe(3);
  expect(await admission.admit(pool, attempt, () => true)).toBe('opened');
});

test('nor what was learned from a connection that may not write beside others', async () => {
  const { pool, admission } = scene(4, 3);
  expect(admission.excludes(pool, 2, refusal)).toBe(true);
  const secret = () => Promise.reject(refusal);
  await expect(admission.admit(pool, secret, () => true)).rejects.toBe(refusal);
  expect(pool.wanted).toBe(3);
});

test('it is not tried for other failures, nor where the server is known to admit all', async () => {
  const { pool, admission, attempt, counts } = scene(4, 1);
  const other = new CopyError('no-space', 'No space is left.', { refused: { operation: 'open', text: '' } });
  await expect(
    admission.admit(
      pool,
      () => Promise.reject(other),
      () => true,
    ),
  ).rejects.toBe(other);
  await expect(admission.admit(pool, attempt, () => false)).rejects.toBe(refusal);
  expect(counts).toEqual([4]);
});

test('a connection that may not write beside others is closed, and none takes its place', () => {
  const { pool, admission, told } = scene(4, 3);
  expect(admission.excludes(pool, 2, refusal)).toBe(true);
  expect(pool.open).toEqual([1, 3, 4]);
  expect(pool.wanted).toBe(3);
  expect(told).toHaveLength(1);
  pool.limit('line', 2);
  expect(admission.excludes(pool, 3, refusal)).toBe(false);
});
