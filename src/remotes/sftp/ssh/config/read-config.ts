/**
 * Reads what ssh_config(5) says about one host: the file of the user and that of the system, or the one named by `-F`.
 * The first value of a keyword counts. If a `Match final` asks for it, the files are read once more when the host to
 * connect to is known.
 */
import { join } from 'node:path';
import { CopyError } from '../../../../errors.ts';
import { matchPatterns } from '../match-pattern.ts';
import { machineTokens } from '../option-values.ts';
import type { SshEnvironment } from '../ssh-environment.ts';
import { type ConfigFile, includedFiles, readConfigLines } from './config-files.ts';
import { type Directive, parseDirective } from './directive.ts';
import { matchApplies } from './match-criteria.ts';
import { execSucceeds } from './match-exec.ts';

/** As in OpenSSH (readconf.h, `READCONF_MAX_DEPTH`). */
const MAX_DEPTH = 16;

export interface ConfigRequest {
  /** As typed. */
  readonly host: string;
  /** From the location; it takes precedence over `User`. */
  readonly user?: string | undefined;
  /** `-P`, which takes precedence over `Port`. */
  readonly port?: number | undefined;
  /** Whether commands of `Match exec` may be run. */
  readonly allowsExec?: boolean | undefined;
  /** `-F`: instead of the usual files. `none`: no file is read. */
  readonly file?: string | undefined;
  /** `-o`, which take precedence. */
  readonly given: readonly Directive[];
}

export interface ReadConfig {
  /** The lines that apply, in order. */
  readonly fromFiles: readonly Directive[];
  /** Sentences for people about parts that were skipped. */
  readonly warnings: readonly string[];
}

/** @throws {CopyError} `usage`: when a file cannot be read, or a line cannot be understood */
export function readSshConfig(request: ConfigRequest, environment: SshEnvironment): ReadConfig {
  return new ConfigReader(request, environment).read();
}

class ConfigReader {
  readonly #request: ConfigRequest;
  readonly #environment: SshEnvironment;
  readonly #found: Directive[];
  readonly #warnings: Set<string> = new Set();
  #wantsFinal = false;
  /** The host to connect to, in the final pass; undefined before. */
  #finalHost: string | undefined;

  constructor(request: ConfigRequest, environment: SshEnvironment) {
    this.#request = request;
    this.#environment = environment;
    this.#found = [...request.given];
  }

  read(): ReadConfig {
    const files = this.#files();
    for (const file of files) this.#readFile(file, 0, true, true);
    if (this.#wantsFinal) {
      // It does not change any more.
      this.#finalHost = this.#hostName.toLowerCase();
      for (const file of files) this.#readFile(file, 0, true, true);
    }
    return { fromFiles: this.#found.slice(this.#request.given.length), warnings: [...this.#warnings] };
  }

  #files(): ConfigFile[] {
    const { file } = this.#request;
    const { home } = this.#environment;
    if (file?.toLowerCase() === 'none') return [];
    if (file !== undefined) {
      const named = { path: file, isUsers: false };
      if (readConfigLines(named, false) === undefined) {
        throw new CopyError('usage', `-F: there is no file ${file}.`, { advice: '-F none reads no file at all.' });
      }
      return [named];
    }
    return [
      { path: join(home, '.ssh/config'), isUsers: true },
      { path: join(this.#systemDirectory, 'ssh_config'), isUsers: false },
    ];
  }

  /**
   * @param isActive whether the lines before the first `Host` or `Match` apply
   * @param mayApply false: the file was included by lines that do not apply, so that none of its lines does
   */
  #readFile(file: ConfigFile, depth: number, isActive: boolean, mayApply: boolean): void {
    if (depth > MAX_DEPTH) {
      throw new CopyError('usage', `${file.path} is included more than ${MAX_DEPTH} levels deep.`, {
        advice: 'A file may not include itself.',
      });
    }
    let applies = isActive;
    for (const [index, line] of (readConfigLines(file, depth > 0 || file.isUsers) ?? []).entries()) {
      const directive = parseDirective(line, `${file.path} line ${index + 1}`);
      switch (directive?.keyword.toLowerCase()) {
        case undefined:
          break;
        case 'host':
          applies = mayApply && matchPatterns(this.#host, directive!.words);
          break;
        case 'match':
          applies = this.#matches(directive!) && mayApply;
          break;
        case 'include':
          for (const path of this.#included(file, directive!)) {
            this.#readFile({ ...file, path }, depth + 1, applies, applies);
          }
          break;
        default:
          if (applies && !this.#isTooLate(directive!)) this.#found.push(directive!);
      }
    }
  }

  /** As in ssh, the host is settled before the final pass. */
  #isTooLate({ keyword }: Directive): boolean {
    return this.#finalHost !== undefined && keyword.toLowerCase() === 'hostname';
  }

  #included({ isUsers }: ConfigFile, { label, words }: Directive): string[] {
    const { home } = this.#environment;
    return words.flatMap((pattern) => {
      if (pattern.startsWith('~') && !isUsers && this.#request.file === undefined) {
        throw new CopyError('usage', `${label}: ${pattern} is of no use there.`, { advice: 'Write the whole path.' });
      }
      const isOwn = isUsers || this.#request.file !== undefined;
      return includedFiles(pattern, isOwn ? join(home, '.ssh') : this.#systemDirectory, home);
    });
  }

  #matches(directive: Directive): boolean {
    const { host: typedHost, user } = this.#request;
    const localUser = this.#environment.user;
    const result = matchApplies(directive, {
      host: this.#host,
      hostName: this.#hostName,
      typedHost,
      user: user ?? this.#first('user') ?? localUser,
      localUser,
      isFinal: this.#finalHost !== undefined,
      succeeds: this.#request.allowsExec ? (command) => this.#succeeds(directive.label, command) : undefined,
    });
    this.#wantsFinal ||= result.wantsFinal;
    if (result.skippedFor !== undefined) {
      const how = result.skippedFor === 'exec' ? ' (--allow-match-exec runs such commands)' : '';
      this.#warnings.add(
        `${directive.label}: the lines after it are left out, because of "${result.skippedFor}"${how}.`,
      );
    }
    return result.applies;
  }

  #succeeds(label: string, command: string): boolean {
    const { host: typed, user, port } = this.#request;
    const environment = this.#environment;
    return execSucceeds(label, command, {
      ...machineTokens(environment),
      h: this.#hostName,
      k: this.#first('hostkeyalias') ?? typed,
      n: typed,
      p: `${port ?? this.#first('port') ?? 22}`,
      r: user ?? this.#first('user') ?? environment.user,
    });
  }

  get #systemDirectory(): string {
    return this.#environment.systemDirectory ?? '/etc/ssh';
  }

  /** In the final pass, patterns are compared with the host to connect to. */
  get #host(): string {
    return this.#finalHost ?? this.#request.host;
  }

  get #hostName(): string {
    const { host } = this.#request;
    if (this.#finalHost !== undefined) return this.#finalHost;
    return this.#first('hostname')?.replace(/%([h%])/g, (_, token) => (token === 'h' ? host : '%')) ?? host;
  }

  #first(keyword: string): string | undefined {
    return this.#found.find((one) => one.keyword.toLowerCase() === keyword)?.words[0];
  }
}
