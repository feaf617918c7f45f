/**
 * Files that `npm test` leaves to `npm run test:full`, because each of them takes most of a minute and others show the
 * same code at work: what stands behind each is the file that does so in the quick tier.
 */
export const LONGER_FILES: readonly string[] = [
  // tree-destinations, put-file
  'test/e2e/destinations.test.ts',
  // tree-destinations, unit/engine/tree/glob
  'test/e2e/tree-globs.test.ts',
  // integration/ssh-config
  'test/e2e/ssh-config.test.ts',
  // unit/remotes/sftp/install-helper
  'test/e2e/install-helper.test.ts',
  // unit/engine/upload/failures, exit-codes
  'test/e2e/true-messages.test.ts',
  'test/e2e/rename-restrictions.test.ts',
  'test/e2e/write-only-accounts.test.ts',
  // several-files
  'test/e2e/another-tree.test.ts',
  // put-file
  'test/e2e/watcher.test.ts',
  // faults/resume-digests, get-target
  'test/faults/resume.test.ts',
  'test/faults/get-resume.test.ts',
  // property/transfer-run, late-requests
  'test/faults/foreign-partials.test.ts',
  'test/faults/two-machines.test.ts',
  // e2e/admission
  'test/faults/cut-handshakes.test.ts',
  // get-file, get-target, unit/remotes/sftp/sftp-compliance
  'test/integration/read-path.test.ts',
  // e2e/verify, faults/resume-digests
  'test/integration/digest-shell.test.ts',
  'test/integration/digest-helper.test.ts',
  'test/integration/check-file-habits.test.ts',
  // e2e/system-ssh, unit/remotes/sftp/sftp-compliance
  'test/integration/remote-over-ssh.test.ts',
];
