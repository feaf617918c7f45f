import { expect, test } from 'vitest';
import { SftpStatusError } from '../../../../src/remotes/sftp/codec/status-error.ts';
import { type StatusContext, toCopyError } from '../../../../src/remotes/sftp/status-errors.ts';

const path = Buffer.from('/b/\x1bf');

test.each<[number, string, StatusContext['operation'], string]>([
  [2, 'No such file', 'open', 'destination-refused'],
  [3, 'Permission denied', 'open', 'destination-permission'],
  [4, 'Failure', 'write', 'destination-refused'],
  [4, 'Out of disk space', 'write', 'no-space'],
  [4, 'No space left on device', 'close', 'no-space'],
  [4, 'Disk quota exceeded', 'write', 'no-space'],
  [4, 'File is a directory', 'open', 'destination-is-directory'],
  [5, 'Bad message', 'open', 'destination-refused'],
  [6, '', 'stat', 'connection-lost'],
  [7, '', 'stat', 'connection-lost'],
  [8, 'Unsupported operation', 'set attributes of', 'unsupported'],
  [9, 'Invalid handle', 'write', 'destination-refused'],
  [11, 'File exists', 'make directory', 'destination-in-the-way'],
  [12, '', 'open', 'destination-permission'],
  [14, '', 'write', 'no-space'],
  [15, '', 'write', 'no-space'],
  [24, '', 'open', 'destination-is-directory'],
  [31, '', 'open', 'destination-refused'],
  [0xffffffff, '', 'open', 'destination-refused'],
  [3, 'Permission denied', 'rename', 'rename-refused'],
  [4, 'Failure', 'rename', 'rename-refused'],
  [11, 'File exists', 'rename', 'rename-refused'],
  [14, '', 'rename', 'no-space'],
])('status %i %j to %s: %s', (status, text, operation, code) => {
  const error = toCopyError(new SftpStatusError(status, text), { operation, path });
  expect(error.code).toBe(code);
  expect(error.message).toBe(`The server refused to ${operation} /b/\\x1bf: ${text || `status ${status}`}.`);
});

test.each([
  [2, 'source-missing'],
  [3, 'source-unreadable'],
  [4, 'source-unreadable'],
  [8, 'unsupported'],
])('status %i on the side of the source: %s', (status, code) => {
  const error = toCopyError(new SftpStatusError(status, ''), { operation: 'open', path, side: 'source' });
  expect(error.code).toBe(code);
});
