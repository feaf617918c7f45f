/**
 * Finds out whether a server supports check-file. Hardly any server announces it in version 3, so the probe asks for
 * the digest of a file that does not exist, and looks at the kind of the refusal.
 */
import { randomBytes } from 'node:crypto';
import { CopyError } from '../../../errors.ts';
import { encodeCheckFile } from '../codec/check-file.ts';
import { ExtensionName, StatusCode } from '../codec/constants.ts';
import { SftpStatusError } from '../codec/status-error.ts';
import type { SftpSession } from '../session.ts';

/** The texts of servers that do not know the request, as opposed to those that refuse its arguments. */
const UNKNOWN_REQUEST = /unsupported|not supported|not implemented|unknown|unrecogni[sz]ed/i;

/**
 * Takes one round trip. Resolves where the server supports check-file, or may support it. Whether its digests are right
 * must be tested with known bytes.
 * @throws {CopyError} `unsupported`: when the server does not support it; scope `connection`: when the connection is
 *   lost
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
    // This is the server of paramiko, which hashes only open files, and wrongly from 64 KiB on: smaller than any full
    // piece.
    const byHandle = session.extensions.get(ExtensionName.checkFile);
    if (byHandle !== undefined && Buffer.from(byHandle).includes('md5')) {
      answer = 'The server has check-file for open files alone, and not for more than 64 KiB.';
    } else if (isAdvertised(session.extensions)) {
      return;
    }
  }
  throw new CopyError('unsupported', answer);
}

/** Some servers check the range before they look for the file, and refuse it. */
function isComplaint({ status, text }: SftpStatusError): boolean {
  return status === StatusCode.unsupported && text !== '' && !UNKNOWN_REQUEST.test(text);
}

/** As the name of an extension, or (Apache MINA) in a value, which lists the extensions of versions 5 and 6. */
function isAdvertised(extensions: ReadonlyMap<string, Uint8Array>): boolean {
  for (const [name, value] of extensions) {
    if (name.startsWith(ExtensionName.checkFile) || Buffer.from(value).includes(ExtensionName.checkFile)) return true;
  }
  return false;
}
