import { expect, test, vi } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import { OpenFlag, StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { SftpStatusError } from '../../../../src/remotes/sftp/codec/status-error.ts';
import { DefaultModes } from '../../../../src/remotes/sftp/default-modes.ts';
import { StagedAttributes } from '../../../../src/remotes/sftp/staged-attributes.ts';
import { newStagedToken } from '../../../../src/remotes/sftp/staged-token.ts';
import { newPartialPath } from '../../../../src/util/partial-name.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';

const target = Buffer.from('/home/f');
const refusal = new SftpStatusError(StatusCode.permissionDenied, 'Not that way');
const found = { kind: 'file', size: 0, mode: 0o600 } as const;

async function attributesOf(quirks: Partial<Quirks> = {}, { isInPlace = false, hasServerMode = false } = {}) {
  const server = new StandInSftpServer(quirks);
  const session = await server.session();
  const path = isInPlace ? target : newPartialPath(target);
  const handle = await session.open(path, OpenFlag.write | OpenFlag.create);
  const token = newStagedToken(target, isInPlace ? undefined : path, hasServerMode);
  const file = server.disk.get(path.toString('latin1'))!;
  file.mode = 0o600;
  return { server, session, file, attributes: new StagedAttributes(session, token, handle, new DefaultModes()) };
}

test.each([
  [{}, 0o644],
  [{ isInPlace: true }, undefined],
  [{ hasServerMode: true }, undefined],
])('the mode of the server is asked for only where a partial file lacks it: %j', async (kind, mode) => {
  const { server, attributes } = await attributesOf({}, kind);
  const warnings: string[] = [];
  expect(await attributes.modeOfTheServer(warnings)).toBe(mode);
  expect(warnings).toEqual([]);
  expect(server.paths).toHaveLength(1);
});

test('a mode of the server that cannot be found out is a warning', async () => {
  const { session, attributes } = await attributesOf();
  vi.spyOn(session, 'open').mockRejectedValue(refusal);
  const warnings: string[] = [];
  expect(await attributes.modeOfTheServer(warnings)).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('could not be found out')]);
});

test('only permission bits are set, whichever way they are set', async () => {
  const { file, attributes } = await attributesOf();
  expect(await attributes.setMode(0o106755)).toBeUndefined();
  expect(file.mode).toBe(0o755);
  expect(await attributes.setModeByPath(0o106711, refusal, found, [])).toBe(true);
  expect(file.mode).toBe(0o711);
});

test.each([
  [found, ', which stay 0600'],
  [{ kind: 'file', size: 0 } as const, ''],
  [undefined, ''],
])('a mode that is refused both ways is a warning, with the mode that stays', async (at, stays) => {
  const { attributes } = await attributesOf({ refuseMode: true });
  expect(await attributes.setMode(0o640)).toBeInstanceOf(SftpStatusError);
  const warnings: string[] = [];
  expect(await attributes.setModeByPath(0o640, refusal, at, warnings)).toBe(false);
  expect(warnings).toEqual([`the server refused to set its mode bits (Not that way)${stays}`]);
});

test('a refused mode that the file has already is neither set by its path nor a warning', async () => {
  const { server, attributes } = await attributesOf({ refuseMode: true });
  const warnings: string[] = [];
  expect(await attributes.setModeByPath(0o4600, refusal, found, warnings)).toBe(false);
  expect(warnings).toEqual([]);
  expect(server.asked).not.toContain('setstat');
});

test('times are whole seconds', async () => {
  const { file, attributes } = await attributesOf();
  const warnings: string[] = [];
  expect(await attributes.setTimes(1_700_000_000_789, warnings)).toBe(true);
  expect(file.mtimeSeconds).toBe(1_700_000_000);
  expect(await attributes.setTimes(undefined, warnings)).toBe(false);
  expect(file.mtimeSeconds).toBe(1_700_000_000);
  expect(warnings).toEqual([]);
});

test.each([
  ['that the server refuses', 1_700_000_000_000, /refused to set its times \(No times here\)/],
  ['that the protocol cannot express', -5000, /protocol cannot express/],
])('times %s are a warning', async (_what, mtimeMs, warning) => {
  const { attributes } = await attributesOf({ refuseTimes: true });
  const warnings: string[] = [];
  expect(await attributes.setTimes(mtimeMs, warnings)).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(warning)]);
});

test('mode and times are sent in the order of the calls, before any answer', async () => {
  const { session, attributes } = await attributesOf();
  const set = vi.spyOn(session, 'fsetStat');
  const setting = Promise.all([attributes.setMode(0o640), attributes.setTimes(1_700_000_000_000, [])]);
  const sent = set.mock.calls.map(([, what]) => Object.keys(what));
  expect(sent).toEqual([['permissions'], ['times']]);
  await setting;
});

test('a lost connection is a failure, not a warning', async () => {
  const { session, attributes } = await attributesOf();
  const gone = new CopyError('connection-lost', 'gone');
  vi.spyOn(session, 'fsetStat').mockRejectedValue(gone);
  vi.spyOn(session, 'setStat').mockRejectedValue(gone);
  vi.spyOn(session, 'open').mockRejectedValue(gone);
  const warnings: string[] = [];
  await expect(attributes.setMode(0o640)).rejects.toBe(gone);
  await expect(attributes.setModeByPath(0o640, refusal, found, warnings)).rejects.toBe(gone);
  await expect(attributes.setTimes(0, warnings)).rejects.toBe(gone);
  await expect(attributes.modeOfTheServer(warnings)).rejects.toMatchObject({ code: 'connection-lost' });
  expect(warnings).toEqual([]);
});
