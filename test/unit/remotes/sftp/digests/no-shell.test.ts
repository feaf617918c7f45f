import { expect, test } from 'vitest';
import { noShell } from '../../../../../src/remotes/sftp/digests/no-shell.ts';

test('PowerShell, however its lines are broken', () => {
  const said =
    "exec: The term 'exec' is not recognized as a name of a\r\ncmdlet, function, script file, or executable program.";
  expect(noShell(said, 1)).toBe('The shell of the server is PowerShell, which is not supported.');
  const old =
    "exec : The term 'exec' is not recognized as the name of a cmdlet, function,\n+ CategoryInfo : ObjectNotFound";
  expect(noShell(old, 1)).toContain('PowerShell');
});

test('cmd.exe', () => {
  const said = "'exec' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n";
  expect(noShell(said, 1)).toBe('The shell of the server is cmd.exe, which is not supported.');
});

test('the first line of the output, cleaned and cut', () => {
  expect(noShell('This service allows sftp connections only.\nBye', 1)).toBe(
    'The server gives no shell; what it ran instead ended with status 1: This service allows sftp connections only.',
  );
  expect(noShell(`\u001b]0;title\u0007${'x'.repeat(500)}`, undefined)).toMatch(
    /ran instead ended: \\x1b\]0;title\\x07x+\.$/,
  );
  expect(noShell('x'.repeat(5000), 1).length).toBeLessThan(400);
});

test('nothing at all', () => {
  expect(noShell(' \n', 11)).toBe('The server gives no shell; what it ran instead ended with status 11.');
});
