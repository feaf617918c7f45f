/** Whether a server knows check-file: hardly one says so in version 3, so it is asked about a file that is not there. */
import { randomBytes } from 'node:crypto';
import { CopyError } from '../../../errors.ts';
import { encodeCheckFile } from '../codec/check-file.ts';
import { ExtensionName, StatusCode } from '../codec/constants.ts';
import { SftpStatusError } from '../codec/status-error.ts';
import type { SftpSession } from '../session.ts';

/** What "I do not know this request" looks like, as opposed to a complaint about what is asked. */
const UNKNOWN_REQUEST = /unsupported|not supported|not implemented|unknown|unrecogni[sz]ed/i;

/**
 * One round trip. Resolves where check-file is there, or may be: what it is worth only known bytes can show.
 * @throws {CopyError} `unsupported`, or scope `connection`
 */
export async function probeCheckFile(session: SftpSession): Promise<void> {
  const file = Buffer.from(`.mt-probe-${randomBytes(8).toString('hex')}`);
  const question = { file, algorithms: ['sha256', 'sha1', 'md5'], offset: 0, length: 256, blockSize: 0 };
  let answer = 'The server answered a probe for check-file with a bare OK.';
  try {
    if ((await session.extended(ExtensionName.checkFileName, encodeCheckFile(question))) !== undefined) return;
  } catch (error) {
    if (!(error instanceof SftpStatusError)) throw error;
    if (error.isMissing || isComplaint(error)) return;
    answer = `The server does not know check-file: ${error.text || `status ${error.status}`}.`;
    // paramiko's own: for handles alone, and wrong beyond 64 KiB, which no piece of a large file is.
    const byHandle = session.extensions.get(ExtensionName.checkFile);
    if (byHandle !== undefined && Buffer.from(byHandle).includes('md5')) {
      answer = 'The server has check-file for open files alone, and not for more than 64 KiB.';
    } else if (isAdvertised(session.extensions)) {
      return;
    }
  }
  throw new CopyError('unsupported', answer);
}

/** Some find fault with the range before they look for the file. */
function isComplaint({ status, text }: SftpStatusError): boolean {
  return status === StatusCode.unsupported && text !== '' && !UNKNOWN_REQUEST.test(text);
}

/** In a name of its own, or (Apache MINA) in the lists of versions 5 and 6 that stand in a value. */
function isAdvertised(extensions: ReadonlyMap<string, Uint8Array>): boolean {
  for (const [name, value] of extensions) {
    if (name.startsWith(ExtensionName.checkFile) || Buffer.from(value).includes(ExtensionName.checkFile)) return true;
  }
  return false;
}
