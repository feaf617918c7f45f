/**
 * All accesses to internals of ssh2 1.x, except for `fast-outlet.ts` and `fast-inlet.ts`. Each does nothing where the
 * internals are different.
 */
import type { Client, ClientChannel } from 'ssh2';
import crypto from 'ssh2/lib/protocol/crypto.js';

// If the initialisation fails, each connection reports that. Without this handler, the unhandled rejection would end a
// program that only imports the library.
crypto.init.catch(() => {});

function field(of: unknown, name: string): unknown {
  return (typeof of === 'object' && of !== null) || typeof of === 'function' ? Reflect.get(of, name) : undefined;
}

/**
 * Calls `onFailure` for every USERAUTH_FAILURE. For keys of an agent, ssh2 does not report this answer, so that a
 * partial success could not be distinguished from a refusal. To be called directly after `connect`.
 */
export function onAuthenticationFailure(
  client: Client,
  onFailure: (methods: readonly string[], partialSuccess: boolean) => void,
): void {
  const handlers = field(field(client, '_protocol'), '_handlers');
  const original = field(handlers, 'USERAUTH_FAILURE');
  if (typeof handlers !== 'object' || handlers === null || typeof original !== 'function') return;
  Reflect.set(handlers, 'USERAUTH_FAILURE', (protocol: unknown, methods: unknown, partialSuccess: unknown) => {
    if (Array.isArray(methods)) onFailure(methods.map(String), partialSuccess === true);
    Reflect.apply(original, undefined, [protocol, methods, partialSuccess]);
  });
}

/**
 * Makes the client send the signature of a key at once, without asking first whether the server would accept the key,
 * wherever `isAccepted` returns true. RFC 4252, section 7, allows both, and the question takes a round trip. To be called
 * directly after `connect`.
 */
export function signWithoutAsking(client: Client, isAccepted: () => boolean): void {
  const protocol = field(client, '_protocol');
  const authenticate = field(protocol, 'authPK');
  const onAccepted = field(field(protocol, '_handlers'), 'USERAUTH_PK_OK');
  if (typeof protocol !== 'object' || protocol === null) return;
  if (typeof authenticate !== 'function' || typeof onAccepted !== 'function') return;
  Reflect.set(protocol, 'authPK', (user: unknown, key: unknown, algorithm: unknown, sign: unknown) => {
    // With `sign`, it is the signed request, and otherwise the question.
    if (typeof sign !== 'function' && isAccepted()) Reflect.apply(onAccepted, undefined, [protocol]);
    else Reflect.apply(authenticate, protocol, [user, key, algorithm, sign]);
  });
}

/** The identification that ssh2 sends to servers, which contains its version. */
export function identificationOf(client: Client): string | undefined {
  const raw = field(field(client, '_protocol'), '_identRaw');
  return Buffer.isBuffer(raw) ? raw.toString('latin1') : undefined;
}

/** The name of the class that encrypts what is sent. */
export function cipherClassOf(client: Client): string | undefined {
  const name = field(field(field(field(client, '_protocol'), '_cipher'), 'constructor'), 'name');
  return typeof name === 'string' ? name : undefined;
}

/**
 * The largest packet that the server accepts on a channel, in bytes. With 0, ssh2 would send empty packets endlessly.
 */
export function maxPacketOf(channel: ClientChannel): number | undefined {
  const size = field(field(channel, 'outgoing'), 'packetSize');
  return typeof size === 'number' ? size : undefined;
}

/**
 * Marks a channel as closed when its connection has ended, which ssh2 does not do. Otherwise, a later write, read or
 * destroy would throw "Instance unusable", in some cases from a callback where it cannot be caught.
 */
export function retireChannel(channel: ClientChannel): void {
  const outgoing = field(channel, 'outgoing');
  if (typeof outgoing === 'object' && outgoing !== null) Reflect.set(outgoing, 'state', 'closed');
}

/**
 * Calls `open`, which opens a channel. Returns a function that closes this channel even if ssh2 does not hand it out:
 * ssh2 does not close the channel of a refused command.
 */
export function channelOpenedBy(client: Client, open: () => void): () => void {
  const channels = (): object => Object(field(field(client, '_chanMgr'), '_channels'));
  const before = new Set(Object.keys(channels()));
  open();
  const id = Object.keys(channels()).find((key) => !before.has(key));
  return () => {
    const channel = id === undefined ? undefined : field(channels(), id);
    const close = field(channel, 'close');
    if (typeof close === 'function') Reflect.apply(close, channel, []);
  };
}

/**
 * Asks the server to kill the command, which OpenSSH does since 7.9. ssh2 itself would not send that after stdin has
 * ended.
 */
export function killCommand(client: Client, channel: ClientChannel): void {
  const outgoing = field(channel, 'outgoing');
  const protocol = field(client, '_protocol');
  const signal = field(protocol, 'signal');
  const isOpen = field(outgoing, 'state') === 'open' || field(outgoing, 'state') === 'eof';
  if (isOpen && typeof signal === 'function') Reflect.apply(signal, protocol, [field(outgoing, 'id'), 'KILL']);
}
