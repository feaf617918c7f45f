import type { SshdOptions } from '../../test/support/sshd.ts';
import type { MtCopySettings } from './tools/mt-copy.ts';

const CIPHER = 'aes128-gcm@openssh.com';
const CONNECTIONS = 2;

interface BulkSettings {
  readonly bytes: number;
  readonly cipher: string;
  readonly connections: number;
  /** Of our programs. */
  readonly own: MtCopySettings;
  readonly sshd: SshdOptions;
}

/** The transfer that is measured by `bulk` and looked into by `profile`. */
export const BULK: BulkSettings = {
  bytes: 2 ** 30,
  cipher: CIPHER,
  connections: CONNECTIONS,
  own: { connections: CONNECTIONS, cipher: CIPHER, options: ['-q', '--verify', 'none'] },
  // Some tools cannot be told; where the server knows no other cipher, all use the same.
  sshd: { config: [`Ciphers ${CIPHER}`] },
};
