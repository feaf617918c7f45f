import { bracketed } from './bracketed.ts';
import type { SshSettings } from './ssh-settings.ts';

/** The hosts on the way, the nearest one first. */
export function jumpsText({ user, host, port, jump }: SshSettings): string {
  const own = `${user}@${bracketed(host)}:${port}`;
  return jump === undefined ? own : `${jumpsText(jump)},${own}`;
}
