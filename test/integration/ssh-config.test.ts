/** The files of ssh are understood as by ssh itself: `ssh -G` prints what it understood. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSshConfig } from '../../src/remotes/sftp/ssh/config/read-config.ts';
import { settingsText } from '../../src/remotes/sftp/ssh/config/settings-text.ts';
import { givenDirectives, resolveSshOptions } from '../../src/remotes/sftp/ssh/resolve-options.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { tempDirForTest } from '../support/for-one-test.ts';
import { runOk } from '../support/process.ts';
import { CONFIG_CASES } from '../unit/remotes/sftp/ssh/config/ssh-config-cases.ts';

/** Keywords whose defaults differ on purpose: they are compared where the case sets them. */
const OWN_DEFAULTS = `ciphers macs kexalgorithms hostkeyalgorithms connecttimeout serveraliveinterval identityfile
  identityagent preferredauthentications pubkeyacceptedalgorithms userknownhostsfile globalknownhostsfile`.split(/\s+/);

/** The lines of each keyword. */
function byKeyword(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const [keyword = '', ...rest] = line.split(' ');
    found.set(keyword, [...(found.get(keyword) ?? []), rest.join(' ')]);
  }
  return found;
}

describeWithServers(['sshd'], 'a file of ssh', () => {
  it.each(CONFIG_CASES)('$what', async ({ files, host = 'nas', options = [] }) => {
    const home = (await tempDirForTest()).path;
    await mkdir(join(home, '.ssh'));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(home, '.ssh', name), text.replaceAll('HOME', home), { mode: 0o600 });
    }
    const file = join(home, '.ssh/main');
    // ssh takes the home directory from the system, so that a relative Include is made absolute for it.
    const main = files['main']!.replaceAll('HOME', home);
    const forSsh = join(home, '.ssh/for-ssh');
    await writeFile(forSsh, withAbsoluteIncludes(main, home));
    for (const name of Object.keys(files).filter((one) => one !== 'main')) {
      await writeFile(join(home, '.ssh', name), withAbsoluteIncludes(files[name]!, home), { mode: 0o600 });
    }
    const given = options.flatMap((option) => ['-o', option]);
    const { stdout } = await runOk('ssh', ['-G', '-F', forSsh, ...given, host]);
    const theirs = byKeyword(stdout.trim().split('\n'));

    const environment = { home, user: 'root', variables: {} };
    const request = { host, file, given: givenDirectives({ options }), allowsExec: true };
    const { fromFiles } = readSshConfig(request, environment);
    const ours = byKeyword(settingsText(resolveSshOptions({ host, options }, environment, fromFiles)));

    const isSet = (keyword: string): boolean =>
      [...fromFiles, ...request.given].some((line) => line.keyword.toLowerCase() === keyword);
    for (const [keyword, values] of ours) {
      if (OWN_DEFAULTS.includes(keyword) && !isSet(keyword)) continue;
      if (keyword === 'host') continue;
      expect([keyword, values]).toEqual([keyword, theirs.get(keyword) ?? []]);
    }
  });
});

function withAbsoluteIncludes(text: string, home: string): string {
  return text.replaceAll('HOME', home).replace(/Include (.*)$/gm, (_, patterns: string) => {
    const absolute = patterns
      .split(' ')
      .map((one) => (/^"?\//.test(one) ? one : `${home}/.ssh/${one.replaceAll('"', '')}`));
    return `Include ${absolute.join(' ')}`;
  });
}
