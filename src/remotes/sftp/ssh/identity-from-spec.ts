import ssh2, { type ParsedKey } from 'ssh2';
import { agentIdentity } from './agent.ts';
import type { Identity, IdentitySpec } from './identity.ts';
import { keyIdentity } from './key-files.ts';

/** In another thread: the key with which the first connection logged in. */
export function identityFromSpec(spec: IdentitySpec): Identity {
  if (spec.kind === 'file') return keyIdentity(spec);
  const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(Buffer.from(spec.publicKey));
  if (parsed instanceof Error) throw parsed;
  return agentIdentity(spec.socket, Array.isArray(parsed) ? parsed[0]! : parsed);
}
