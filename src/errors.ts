/**
 * Every failure this project reports is a {@link CopyError}: a stable code, from which scope, retry class, exit code
 * and advice follow. Errors cross threads and go into `--json` as plain data ({@link CopyErrorData}).
 */

/** What a failure spoils: one piece, one connection, one file, or the whole run. */
export type ErrorScope = 'piece' | 'connection' | 'file' | 'run';

export type ErrorCode =
  | 'usage'
  | 'source-missing'
  | 'source-unreadable'
  | 'source-unsupported'
  | 'too-many-entries'
  | 'destination-is-directory'
  | 'destination-in-the-way'
  | 'destination-dangling-link'
  | 'destination-permission'
  | 'destination-refused'
  | 'no-space'
  | 'rename-refused'
  | 'partial-refused'
  | 'no-connection'
  | 'connection-failed'
  | 'connection-refused'
  | 'connection-lost'
  | 'connection-stalled'
  | 'authentication-lost'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'authentication-failed'
  | 'credential-not-reusable'
  | 'protocol'
  | 'subsystem-missing'
  | 'unsupported'
  | 'single-writer'
  | 'integrity'
  | 'no-digests'
  | 'source-changed'
  | 'local-io'
  | 'no-memory'
  | 'target-busy'
  | 'target-locked'
  | 'journal-newer'
  | 'bug'
  | 'cancelled';

interface ErrorKind {
  readonly scope: ErrorScope;
  /** Whether trying the same again, later or on another connection, can help. */
  readonly retry: boolean;
  readonly exitCode: number;
  /** One sentence: what the user can do. */
  readonly advice: string;
}

const kinds: Record<ErrorCode, ErrorKind> = {
  usage: kind('run', false, 2, 'See --help.'),
  'source-missing': kind('file', false, 3, 'Check the path of the source.'),
  'source-unreadable': kind('file', false, 3, 'Check the permissions of the source.'),
  'source-unsupported': kind('file', false, 3, 'Only regular files can be copied.'),
  'too-many-entries': kind('file', false, 3, 'Copy parts of it, one after another.'),
  'destination-is-directory': kind('file', false, 4, 'Remove the directory, or name another destination.'),
  'destination-in-the-way': kind('file', false, 4, 'Name another destination, or remove what stands there.'),
  'destination-dangling-link': kind('file', false, 4, 'Remove the symbolic link, or create what it names.'),
  'destination-permission': kind('file', false, 4, 'Check the permissions of the destination directory.'),
  'destination-refused': kind('file', false, 4, "See the server's log for the reason."),
  'no-space': kind('file', false, 4, 'Make room on the server, then run the same command again.'),
  'rename-refused': kind('file', false, 4, "See the server's log for the reason."),
  'partial-refused': kind('file', false, 4, 'Run the same command again.'),
  'no-connection': kind('run', false, 5, 'Check host, port and network, then run the same command again.'),
  'connection-failed': kind('connection', true, 5, 'Check host, port and network.'),
  'connection-refused': kind('connection', true, 5, 'The server limits connections: use fewer with -n, or wait.'),
  'connection-lost': kind('connection', true, 5, 'Run the same command again.'),
  'connection-stalled': kind('connection', true, 5, 'Check the network, or raise --stall-timeout.'),
  'authentication-lost': kind(
    'connection',
    true,
    5,
    'The server may refuse this address or account without saying so: see its log, or run the same command again later.',
  ),
  'host-key-unknown': kind('run', false, 6, 'Compare the fingerprint with its owner, then add it to known_hosts.'),
  'host-key-changed': kind('run', false, 6, 'Somebody may be listening; ask the owner of the server first.'),
  'host-key-revoked': kind('run', false, 6, 'This key must not be used; ask the owner of the server.'),
  'authentication-failed': kind('run', false, 7, 'Check user name, key (-i) and password.'),
  'credential-not-reusable': kind('connection', false, 7, 'Use a key, which every connection may show.'),
  protocol: kind('connection', true, 8, 'Check that the server offers SFTP; -vv shows more.'),
  'subsystem-missing': kind('run', false, 8, 'Ask for the sftp subsystem to be enabled on the server.'),
  unsupported: kind('file', false, 8, 'The server cannot do this.'),
  'single-writer': kind('piece', true, 8, 'One connection writes the file.'),
  integrity: kind('file', false, 9, 'Run the same command again; if it happens again, suspect the server.'),
  'no-digests': kind('run', false, 9, 'Put the helper on the server with --install-helper, or use --verify read-back.'),
  'source-changed': kind('file', false, 10, 'Copy again when nobody writes the source.'),
  'local-io': kind('file', false, 11, 'Check the local disk.'),
  'no-memory': kind('run', false, 11, 'Allow this program more memory (ulimit -v), or use fewer connections (-n).'),
  'target-busy': kind('run', false, 12, 'Wait for the other run to end.'),
  'target-locked': kind('run', false, 12, 'Wait for the other run to end.'),
  'journal-newer': kind('run', false, 12, 'Update mt-copy-tools, or remove the journal to start over.'),
  bug: kind('run', false, 70, 'Please report it with the output of -vv.'),
  cancelled: kind('run', false, 130, 'Run the same command again.'),
};

function kind(scope: ErrorScope, retry: boolean, exitCode: number, advice: string): ErrorKind {
  return { scope, retry, exitCode, advice };
}

/** Of `source-changed`, for a file of the server that ends elsewhere than where its size says, as those of /proc do. */
export const UNKNOWN_SIZE_ADVICE =
  'If nobody writes it, the server does not know its size: copy it with another program.';

/** What the server, or the system, answered "no" to. */
export interface Refused {
  /** What it was asked to do, such as `open` or `write`. */
  readonly operation: string;
  /** What the server said about that. Hostile until cleaned; empty if it said nothing. */
  readonly text: string;
}

/** A {@link CopyError} as plain data. */
export interface CopyErrorData {
  readonly code: ErrorCode;
  readonly scope: ErrorScope;
  readonly retry: boolean;
  readonly exitCode: number;
  /** One sentence of what happened. May hold text from a server: clean it before printing. */
  readonly message: string;
  /** One sentence of what to do. */
  readonly advice: string;
  /** Set where something was refused whose kind matters. */
  readonly refused?: Refused;
  /** Where it came from; of a `bug` alone, for its report. */
  readonly stack?: string;
}

/** What may be set beside code and message; what is left out follows from the code. */
export interface CopyErrorOptions {
  readonly cause?: unknown;
  readonly advice?: string;
  readonly scope?: ErrorScope;
  readonly retry?: boolean;
  readonly exitCode?: number;
  readonly refused?: Refused;
}

export class CopyError extends Error implements CopyErrorData {
  override readonly name = 'CopyError';
  readonly code: ErrorCode;
  readonly scope: ErrorScope;
  readonly retry: boolean;
  readonly exitCode: number;
  readonly advice: string;
  readonly refused?: Refused;

  constructor(code: ErrorCode, message: string, options: CopyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const defaults = kinds[code];
    this.code = code;
    this.scope = options.scope ?? defaults.scope;
    this.retry = options.retry ?? defaults.retry;
    this.exitCode = options.exitCode ?? defaults.exitCode;
    this.advice = options.advice ?? defaults.advice;
    if (options.refused !== undefined) this.refused = options.refused;
  }

  /** The same error as data that survives `structuredClone` and JSON. */
  toData(): CopyErrorData {
    const { code, scope, retry, exitCode, message, advice, refused } = this;
    const origin = this.cause instanceof Error ? this.cause : this;
    const stack = code === 'bug' && origin.stack !== undefined ? { stack: origin.stack } : {};
    return { code, scope, retry, exitCode, message, advice, ...(refused && { refused }), ...stack };
  }

  static fromData(data: CopyErrorData): CopyError {
    const error = new CopyError(data.code, data.message, data);
    if (data.stack !== undefined) error.stack = data.stack;
    return error;
  }

  /**
   * `error` itself if it is coded; `no-memory` for what Node and V8 throw when the system refuses memory; otherwise the
   * same failure under `code`. `error` is its cause.
   */
  static from(error: unknown, code: ErrorCode = 'bug'): CopyError {
    if (error instanceof CopyError) return error;
    if (isOfMemory(error)) {
      return new CopyError('no-memory', 'The system gives this program no more memory.', { cause: error });
    }
    return new CopyError(code, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Whether a failure concerns a connection or the run, so that it says nothing about the file. */
export function isBeyondFile({ scope }: CopyErrorData): boolean {
  return scope === 'connection' || scope === 'run';
}

const MEMORY_CODES: readonly unknown[] = [
  'ENOMEM',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_WORKER_INIT_FAILED',
];

/** Buffers and WebAssembly tell it by their text alone. */
function isOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (MEMORY_CODES.includes((error as { readonly code?: unknown }).code)) return true;
  return /^Array buffer allocation failed|WebAssembly\..*Out of memory/.test(error.message);
}
