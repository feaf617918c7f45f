/** The ways to have an SFTP server hash, best first. Each is opened by its row in `open-digester.ts`. */
export const DIGEST_METHODS = ['check-file', 'helper', 'shell'] as const;

export type SftpDigestMethod = (typeof DIGEST_METHODS)[number];
