/** Finds the settings of a server, and of the hosts through which it is reached, in options and files of ssh. */
import { CopyError } from '../../../errors.ts';
import { bracketed } from './bracketed.ts';
import { parseJumps, proxyIn } from './config/proxy-jump.ts';
import { readSshConfig } from './config/read-config.ts';
import { givenDirectives, noticesOf, resolveSshOptions } from './resolve-options.ts';
import type { SshEnvironment } from './ssh-environment.ts';
import type { SshInput } from './ssh-options.ts';
import type { SshSettings } from './ssh-settings.ts';

/** So many hosts at most are on the way to a server. */
const MAX_JUMPS = 8;

/**
 * The settings of the server, with those of each jump host inside them. A jump host has its own lines in the files, and
 * of the options only those that say how the program behaves.
 * @param onNotice gets sentences for people about what is not honoured
 * @throws {CopyError} `usage`: when an option or a line has a bad value, a file cannot be read, or the way has no end
 */
export function resolveSshRoute(
  input: SshInput,
  environment: SshEnvironment,
  onNotice: (level: 'detail' | 'warning', message: string) => void,
  jumps = 0,
): SshSettings {
  const given = givenDirectives(input);
  const { host, user, configFile: file, allowsMatchExec: allowsExec } = input;
  const { fromFiles, warnings } = readSshConfig({ host, user, port: input.port, file, given, allowsExec }, environment);
  const directives = [...given, ...fromFiles];
  for (const message of warnings) onNotice('warning', message);
  for (const { level, message } of noticesOf(directives)) onNotice(level, message);
  const settings = resolveSshOptions(input, environment, fromFiles);
  const proxy = proxyIn(directives);
  if (proxy?.kind !== 'jumps') return settings;
  const { host: h, user: r, port } = settings;
  const hops = parseJumps(proxy.directive, { h, r, n: host, p: `${port}` });
  const last = hops.at(-1)!;
  if (jumps === MAX_JUMPS) {
    throw new CopyError('usage', `${proxy.directive.label}: more than ${MAX_JUMPS} hosts are on the way.`, {
      advice: 'A host may not be reached through itself: ProxyJump none ends the way.',
    });
  }
  const before = hops.slice(0, -1).map(textOf);
  const { batch, asksForEach, connectTimeoutMs, stallTimeoutMs } = input;
  const through: SshInput = {
    ...last,
    // As with ssh -J, the lines of the host itself say how it is reached if nothing else does.
    ...(before.length > 0 && { options: [`ProxyJump=${before.join(',')}`] }),
    ...(file !== undefined && { configFile: file }),
    ...(allowsExec !== undefined && { allowsMatchExec: allowsExec }),
    ...(batch !== undefined && { batch }),
    ...(asksForEach !== undefined && { asksForEach }),
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
    ...(stallTimeoutMs !== undefined && { stallTimeoutMs }),
  };
  return { ...settings, jump: resolveSshRoute(through, environment, onNotice, jumps + 1) };
}

function textOf({ host, user, port }: { host: string; user?: string; port?: number }): string {
  return `${user === undefined ? '' : `${user}@`}${bracketed(host)}${port === undefined ? '' : `:${port}`}`;
}
