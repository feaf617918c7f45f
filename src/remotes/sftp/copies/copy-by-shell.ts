import { CopyError } from '../../../errors.ts';
import { isAbsolute } from '../../../util/byte-path.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { escapedPath } from '../digests/escaped-path.ts';
import { hashingMs, type ShellScript, ShellSession } from '../digests/shell-session.ts';
import type { CopyingConnection, CopyRequest } from './copy-method.ts';

/**
 * Reads two lines, each a path in the notation of `printf %b`, and copies the first file to the second path. `set -C`
 * makes the shell create the second file exclusively. Paths occur only as quoted variables, so that the shell never
 * interprets them.
 */
const SCRIPT: ShellScript = {
  marker: 'mt-copy-copier ',
  text: `{
LC_ALL=C
export LC_ALL
umask 077
set -C
command -v cat >/dev/null 2>&1 || exit 3
printf '\\nmt-copy-%s\\n' 'copier ready'
read -r from
read -r to
from=$(printf '%b.' "$from")
from=\${from%.}
to=$(printf '%b.' "$to")
to=\${to%.}
if said=$( { [ -f "$from" ] && cat <"$from" >"$to"; } 2>&1 ); then
  printf '%s\\n' 'copied'
else
  printf 'failed %s\\n' "$(printf '%s' "$said" | tr '\\n' ' ')"
fi
exit 0
}
`,
};

/**
 * The {@link CopyMethod} for servers that run commands: `/bin/sh` and `cat`. The shell may see another file system than
 * SFTP does, for example outside of a chroot; then it finds no file, or the copy is missing where SFTP looks for it.
 */
export async function copyByShell(
  connection: CopyingConnection,
  { from, to, size }: CopyRequest,
): Promise<readonly string[]> {
  if (!isAbsolute(from) || !isAbsolute(to)) throw new CopyError('unsupported', 'The shell needs absolute paths.');
  const session = await ShellSession.start(connection, SCRIPT);
  try {
    const lines = [from, to].map((path) => `${escapedPath(path)}\n`);
    const [answer = ''] = await session.ask([Buffer.from(lines.join(''), 'latin1')], hashingMs(size));
    if (answer === 'copied') return [];
    const message = `The shell on the server could not copy ${cleanText(from)}: ${cleanText(answer).slice(0, 200)}.`;
    throw new CopyError(/\bspace\b|\bquota\b/i.test(answer) ? 'no-space' : 'unsupported', message);
  } finally {
    await session.close();
  }
}
