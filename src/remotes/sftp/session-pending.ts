import { CopyError } from '../../errors.ts';
import { StatusCode } from './codec/constants.ts';
import type { Reply, StatusReply } from './codec/replies.ts';
import { isMissingStatus, SftpStatusError } from './codec/status-error.ts';

/** The kind of reply that a request expects; a STATUS that reports a failure is possible for all of them. */
export type Expected =
  | 'version'
  | 'status'
  /** A STATUS, whose value is the time since the reply before it, in milliseconds. */
  | 'timed-status'
  | 'handle'
  | 'data'
  | 'names'
  | 'path'
  | 'attributes'
  | 'attributes-or-missing'
  | 'extended';

/** A request without a reply yet. */
export interface PendingRequest {
  readonly expects: Expected;
  /** How many bytes a READ asks for; otherwise 0. */
  readonly length: number;
  /** For slow operations: how long the request may take from when it is the oldest. 0 for all others. */
  readonly slowMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** When a slow request became the oldest. */
  oldestSinceMs: number | undefined;
}

/**
 * Resolves or rejects a request with its reply, which came `gapMs` after the one before it.
 * @throws {CopyError} `protocol`: when the reply does not fit the request, which is not settled then
 */
export function settle(request: PendingRequest, reply: Reply, gapMs: number): void {
  if (reply.type === 'status') {
    settleByStatus(request, reply, gapMs);
    return;
  }
  const value = replyValue(request, reply);
  if (value === undefined) {
    throw new CopyError('protocol', `The server answered a request for ${request.expects} with ${reply.type}.`);
  }
  request.resolve(value);
}

function settleByStatus(request: PendingRequest, reply: StatusReply, gapMs: number): void {
  const { expects } = request;
  if (reply.status === StatusCode.ok) {
    if (expects === 'timed-status') return request.resolve(gapMs);
    if (expects !== 'status' && expects !== 'extended') {
      throw new CopyError('protocol', `The server answered a request for ${expects} with a bare OK.`);
    }
    request.resolve(undefined);
    return;
  }
  if (reply.status === StatusCode.eof && (expects === 'data' || expects === 'names')) {
    request.resolve('eof');
    return;
  }
  // An error is made only where it is needed, because its stack takes longer than the rest.
  if (expects === 'attributes-or-missing' && isMissingStatus(reply.status)) request.resolve(undefined);
  else request.reject(SftpStatusError.fromReply(reply));
}

/** The value to resolve with; undefined where the reply has another type than the request expects. */
function replyValue(request: PendingRequest, reply: Exclude<Reply, StatusReply>): unknown {
  const { expects } = request;
  switch (reply.type) {
    case 'version':
      return expects === 'version' ? reply : undefined;
    case 'data': {
      if (expects !== 'data') return undefined;
      if (reply.data.length > request.length) {
        const { length } = reply.data;
        throw new CopyError('protocol', `The server sent ${length} bytes where ${request.length} were asked for.`);
      }
      // An empty reply counts as the end of the file, because a caller that asks again would do so endlessly.
      return reply.data.length === 0 ? 'eof' : reply.data;
    }
    case 'handle':
      // A copy, so that an open file does not keep the received chunk with its handle in memory.
      return expects === 'handle' ? Uint8Array.from(reply.handle) : undefined;
    case 'name':
      if (expects === 'names') return reply.entries.length === 0 ? 'eof' : reply.entries;
      if (expects !== 'path') return undefined;
      if (reply.entries.length !== 1) {
        throw new CopyError('protocol', `The server answered with ${reply.entries.length} paths instead of one.`);
      }
      return Uint8Array.from(reply.entries[0]!.name);
    case 'attributes':
      return expects === 'attributes' || expects === 'attributes-or-missing' ? reply.attributes : undefined;
    default:
      return expects === 'extended' ? reply.payload : undefined;
  }
}
