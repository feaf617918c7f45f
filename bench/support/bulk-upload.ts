import type { SshdOptions } from '../../test/support/sshd.ts';
import type { MtputSettings } from './tools/mtput.ts';

const CIPHER = 'aes128-gcm@openssh.com';
const CONNECTIONS = 2;

interface BulkUpload {
  readonly bytes: number;
  readonly cipher: string;
  readonly connections: number;
  readonly mtput: MtputSettings;
  readonly sshd: SshdOptions;
}

/** The upload that is measured by `bulk` and looked into by `profile`. */
export const BULK: BulkUpload = {
  bytes: 2 ** 30,
  cipher: CIPHER,
  connections: CONNECTIONS,
  mtput: { connections: CONNECTIONS, cipher: CIPHER, options: ['-q', '--verify', 'none'] },
  // Some tools cannot be told; where the server knows no other cipher, all use the same.
  sshd: { config: [`Ciphers ${CIPHER}`] },
};
