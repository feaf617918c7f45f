/** Prints settings as `ssh -G` does: a line for each value, keyword first, so that both can be compared. */
import { jumpsText } from '../jumps-text.ts';
import type { SshSettings } from '../ssh-settings.ts';

const FAMILIES = { 0: 'any', 4: 'inet', 6: 'inet6' } as const;

export function settingsText(settings: SshSettings): string[] {
  const { hostKeys, authentication, algorithms } = settings;
  const { methods, agentSocket } = authentication;
  const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
  return [
    `host ${settings.typedHost}`,
    `user ${settings.user}`,
    `hostname ${settings.host}`,
    `port ${settings.port}`,
    ...(settings.proxyCommand === undefined ? [] : [`proxycommand ${settings.proxyCommand}`]),
    ...(settings.jump === undefined ? [] : [`proxyjump ${jumpsText(settings.jump)}`]),
    `addressfamily ${FAMILIES[settings.addressFamily]}`,
    ...(settings.bindAddress === undefined ? [] : [`bindaddress ${settings.bindAddress}`]),
    `batchmode ${yesNo(settings.batch)}`,
    `compression ${yesNo(settings.compression)}`,
    `connecttimeout ${settings.connectTimeoutMs / 1000}`,
    `serveraliveinterval ${settings.keepaliveIntervalMs / 1000}`,
    `stricthostkeychecking ${strictText(hostKeys.strict)}`,
    ...(hostKeys.alias === undefined ? [] : [`hostkeyalias ${hostKeys.alias}`]),
    ...(hostKeys.revokedFiles.length === 0 ? [] : [`revokedhostkeys ${hostKeys.revokedFiles.join(' ')}`]),
    `hashknownhosts ${yesNo(hostKeys.hashNames)}`,
    `userknownhostsfile ${hostKeys.userFiles.join(' ') || 'none'}`,
    `globalknownhostsfile ${hostKeys.globalFiles.join(' ') || 'none'}`,
    `preferredauthentications ${methods.join(',')}`,
    ...authentication.identityFiles.map(({ path }) => `identityfile ${path}`),
    `identitiesonly ${yesNo(authentication.identitiesOnly)}`,
    `identityagent ${agentSocket ?? 'none'}`,
    `pubkeyacceptedalgorithms ${authentication.keyAlgorithms.join(',')}`,
    `numberofpasswordprompts ${authentication.passwordPrompts}`,
    `ciphers ${algorithms.ciphers.join(',')}`,
    `macs ${algorithms.macs.join(',')}`,
    `kexalgorithms ${algorithms.keyExchange.join(',')}`,
    `hostkeyalgorithms ${algorithms.hostKeys.join(',')}`,
  ];
}

/** As ssh prints it. */
function strictText(strict: SshSettings['hostKeys']['strict']): string {
  if (strict === undefined) return 'ask';
  return { yes: 'true', no: 'false', ask: 'ask', 'accept-new': 'accept-new' }[strict];
}
