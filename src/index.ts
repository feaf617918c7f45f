/** The library: what a program needs to copy files as the command line does. */
import './util/require-node.ts';

export type {
  Observer,
  TransferEvent,
  TransferEventBody,
  TransferSummary,
  TransferTotals,
  VerifiedBytes,
} from './engine/events.ts';
export { CopyError, type CopyErrorData, type ErrorCode, type ErrorScope } from './errors.ts';
export type { HostKeyQuestion, Interaction } from './remotes/sftp/ssh/interaction.ts';
export type { SshInput } from './remotes/sftp/ssh/ssh-options.ts';
export {
  type CopyOptions,
  type DigestAlgorithm,
  type FilterRule,
  type GetOptions,
  get,
  type Links,
  type PutOptions,
  put,
  type SftpDigestMethod,
  type TransferContext,
  type TransferResult,
  type Verify,
} from './transfer.ts';
