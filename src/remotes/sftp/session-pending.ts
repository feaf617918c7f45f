import { CopyError } from '../../errors.ts';
import { StatusCode } from './codec/constants.ts';
import type { Reply, StatusReply } from './codec/replies.ts';
import { SftpStatusError } from './codec/status-error.ts';

/** What a request may be answered with, beside a STATUS that says no. */
export type Expected =
  | 'version'
  | 'status'
  | 'handle'
  | 'data'
  | 'names'
  | 'path'
  | 'attributes'
  | 'attributes-or-missing'
  | 'extended';

/** A request that is under way. */
export interface PendingRequest {
  readonly expects: Expected;
  /** Bytes asked for, of a READ. */
  readonly length: number;
  /** How long it may take once it is the oldest, for operations that are slow by nature; 0 for all others. */
  readonly slowMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** When a slow one became the oldest. */
  oldestSince: number | undefined;
}

/**
 * Resolves or rejects a request with its reply.
 * @throws {CopyError} `protocol` if the reply is none to this request; the request is still open then
 */
export function settle(request: PendingRequest, reply: Reply): void {
  if (reply.type === 'status') {
    settleByStatus(request, reply);
    return;
  }
  const value = replyValue(request, reply);
  if (value === undefined) {
    throw new CopyError('protocol', `The server answered a request for ${request.expects} with ${reply.type}.`);
  }
  request.resolve(value);
}

function settleByStatus(request: PendingRequest, reply: StatusReply): void {
  const { expects } = request;
  if (reply.status === StatusCode.ok) {
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
  const error = SftpStatusError.fromReply(reply);
  if (expects === 'attributes-or-missing' && error.isMissing) request.resolve(undefined);
  else request.reject(error);
}

/** Undefined if the reply is of another type. */
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
      // Nothing more would ever come: who asks again would ask for ever.
      return reply.data.length === 0 ? 'eof' : reply.data;
    }
    case 'handle':
      // A copy, so that a file held open does not hold the chunk its handle came in.
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
