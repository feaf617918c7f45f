/**
 * What SSH takes from its process. It is passed as a parameter everywhere, so that tests never use the user's own
 * files.
 */
import { homedir, userInfo } from 'node:os';

/** Variables that hold secrets: no child process inherits them. */
export const SECRET_VARIABLES = ['MT_COPY_PASSWORD', 'MT_COPY_PASSPHRASE'] as const;

export interface SshEnvironment {
  /** The home directory: `~` and `%d`. */
  readonly home: string;
  /** The local user: the default login name, and `%u`. */
  readonly user: string;
  /** Where `ssh_config` of the system is. Default: `/etc/ssh`. */
  readonly systemDirectory?: string;
  /** Environment variables: SSH_AUTH_SOCK, MT_COPY_PASSWORD, MT_COPY_PASSPHRASE, and `${...}` in file names. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** The environment of this process. */
export function processSshEnvironment(): SshEnvironment {
  return { home: homedir(), user: userInfo().username, variables: process.env };
}

/** The variables of this process without secrets, for a child process. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of SECRET_VARIABLES) delete env[name];
  return env;
}
