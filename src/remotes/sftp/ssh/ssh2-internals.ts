/** The few places where ssh2 1.x has to be reached into; each does nothing where it finds something else than it knows. */
import type { Client, ClientChannel } from 'ssh2';
import crypto from 'ssh2/lib/protocol/crypto.js';

// Where it fails, each connection fails for this reason; until there is one, nobody would handle the rejection, which would
// end the program that only imports this one.
crypto.init.catch(() => {});

function field(of: unknown, name: string): unknown {
  return (typeof of === 'object' && of !== null) || typeof of === 'function' ? Reflect.get(of, name) : undefined;
}

/**
 * Calls `tell` with every USERAUTH_FAILURE. ssh2 keeps to itself what the server answers to an agent's key, so that
 * "accepted, now another method too" could not be told from a refusal. To be called right after `connect`.
 */
export function onAuthenticationFailure(
  client: Client,
  tell: (methods: readonly string[], partialSuccess: boolean) => void,
): void {
  const handlers = field(field(client, '_protocol'), '_handlers');
  const original = field(handlers, 'USERAUTH_FAILURE');
  if (typeof handlers !== 'object' || handlers === null || typeof original !== 'function') return;
  Reflect.set(handlers, 'USERAUTH_FAILURE', (protocol: unknown, methods: unknown, partialSuccess: unknown) => {
    if (Array.isArray(methods)) tell(methods.map(String), partialSuccess === true);
    Reflect.apply(original, undefined, [protocol, methods, partialSuccess]);
  });
}

/** How ssh2 names itself to servers, its version included. */
export function identificationOf(client: Client): string | undefined {
  const raw = field(field(client, '_protocol'), '_identRaw');
  return Buffer.isBuffer(raw) ? raw.toString('latin1') : undefined;
}

/** The name of the class that encrypts what is sent. */
export function cipherClassOf(client: Client): string | undefined {
  const name = field(field(field(field(client, '_protocol'), '_cipher'), 'constructor'), 'name');
  return typeof name === 'string' ? name : undefined;
}

/** The largest packet the server takes on a channel, bytes. With 0, ssh2 would write empty packets for ever. */
export function maxPacketOf(channel: ClientChannel): number | undefined {
  const size = field(field(channel, 'outgoing'), 'packetSize');
  return typeof size === 'number' ? size : undefined;
}

/**
 * Marks a channel whose connection is gone as closed. ssh2 forgets to, and a late write, read or destroy would throw
 * "Instance unusable", some of them where nobody can catch it.
 */
export function retireChannel(channel: ClientChannel): void {
  const outgoing = field(channel, 'outgoing');
  if (typeof outgoing === 'object' && outgoing !== null) Reflect.set(outgoing, 'state', 'closed');
}

/**
 * Lets `open` open a channel. Returns what closes that channel, also while ssh2 keeps it to itself: one in which a
 * command was refused it forgets to close.
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

/** Has the server kill the command; OpenSSH does since 7.9. ssh2 would not ask for it any more once stdin has ended. */
export function killCommand(client: Client, channel: ClientChannel): void {
  const outgoing = field(channel, 'outgoing');
  const protocol = field(client, '_protocol');
  const signal = field(protocol, 'signal');
  const isOpen = field(outgoing, 'state') === 'open' || field(outgoing, 'state') === 'eof';
  if (isOpen && typeof signal === 'function') Reflect.apply(signal, protocol, [field(outgoing, 'id'), 'KILL']);
}
