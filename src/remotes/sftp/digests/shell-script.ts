/** The script that `/bin/sh` on the server reads to compute digests with programs that most servers have. */
import { PERL, PYTHON } from './shell-programs.ts';
import type { ShellScript } from './shell-session.ts';

/**
 * The programs that can hash, best first. With python3 and perl, one process answers all requests. With the others,
 * each range takes one `dd` and one of them. openssl precedes sha256sum, which is three times slower where it does not
 * use the SHA instructions of the processor. `shasum` is part of perl; `bsd` means `sha256 -q` and `md5 -q`; `digest`
 * is the program of Solaris.
 */
export const ENGINES = ['python3', 'perl', 'openssl', 'coreutils', 'shasum', 'bsd', 'digest'] as const;
export type Engine = (typeof ENGINES)[number];

/** The longest line of an answer, in bytes: `dd` prints three lines for each part of a range. */
export const MAX_ANSWER_LENGTH = 16_384;

/**
 * The marker is followed by the name of the engine and, for each algorithm, `ALGORITHM=DIGEST` with the digest of no
 * bytes; or by `none`. Then comes one line for each request. On macOS, running a python3 that is not installed opens a
 * dialog on the screen; therefore the script asks xcode-select there.
 *
 * Paths arrive in the notation of `printf %b` and occur only as quoted variables. `dd` and the hashing programs read
 * their standard input and get no path, except where many small files are hashed at once: those paths are arguments,
 * which no shell interprets; they are absolute and contain no control characters.
 */
export function shellScript(engines: readonly Engine[] = ENGINES): ShellScript {
  return { marker: 'mt-copy-shell ', maxLineLength: MAX_ANSWER_LENGTH, text: scriptText(engines) };
}

function scriptText(engines: readonly Engine[]): string {
  const tools = engines.filter((engine) => engine !== 'python3' && engine !== 'perl');
  return `{
LC_ALL=C
export LC_ALL
unset CDPATH ENV POSIXLY_CORRECT PERL5OPT PERL5LIB
set -f
marker=$(printf 'mt-copy-%s' shell)
printf '\\n' || exit 1
has() { command -v "$1" >/dev/null 2>&1; }
run_python3() {
  has python3 || return 3
  case $(uname -s 2>/dev/null) in Darwin) xcode-select -p >/dev/null 2>&1 || return 3 ;; esac
  python3 -I -S -c '${PYTHON}' "$marker"
}
run_perl() {
  has perl || return 3
  perl -e '${PERL}' "$marker"
}
many_openssl() { xargs -0 openssl dgst "-$1" -r; }
many_coreutils() { xargs -0 "$1sum"; }
many_shasum() { xargs -0 shasum -a "\${1#sha}"; }
many_bsd() { xargs -0 "$1" -q; }
by_openssl() { openssl dgst "-$1" -r; }
by_coreutils() { "$1sum"; }
by_shasum() { shasum -a "\${1#sha}"; }
by_bsd() { "$1" -q; }
by_digest() { digest -a "$1"; }
engine_for() {
  case $1 in sha256) expected=e3b0c442 ;; sha512) expected=cf83e135 ;; sha1) expected=da39a3ee ;; *) expected=d41d8cd9 ;; esac
  for engine in ${tools.join(' ')}; do
    found=$("by_$engine" "$1" </dev/null 2>/dev/null)
    case $found in "$expected"*) found=\${found%% *}; return 0 ;; esac
  done
  return 1
}
${engines.includes('python3') ? 'run_python3 && exit 0' : ''}
${engines.includes('perl') ? 'run_perl && exit 0' : ''}
greeting=
if engine_for sha256; then hash_sha256=by_$engine; greeting="$greeting sha256=$found"; fi
if engine_for sha512; then hash_sha512=by_$engine; greeting="$greeting sha512=$found"; fi
if engine_for sha1; then hash_sha1=by_$engine; greeting="$greeting sha1=$found"; fi
if engine_for md5; then hash_md5=by_$engine; greeting="$greeting md5=$found"; fi
if [ -z "$greeting" ] || ! has dd; then
  printf '%s none\\n' "$marker"
  exit 0
fi
whole=
if dd if=/dev/null of=/dev/null iflag=fullblock >/dev/null 2>&1; then whole=iflag=fullblock; fi
parts() {
  while [ $# -gt 2 ]; do
    dd bs="$1" skip="$2" count="$3" $whole <"$file" 2>&3
    shift 3
  done
}
decode() {
  decoded=$1
  case $1 in *\\\\*)
    decoded=$(printf '%b.' "$1")
    decoded=\${decoded%.} ;;
  esac
}
is_file() { [ -f "$1" ] && [ -r "$1" ]; }
are_files() {
  for one do
    decode "$one"
    is_file "$decoded" || return 1
  done
}
words() { while read -r word rest; do printf ' %s' "$word"; done; }
printf '%s dd%s\\n' "$marker" "$greeting" || exit 1
while IFS= read -r line; do
  set -- $line
  if [ "$1" = f ]; then
    decode "$2"
    file=$decoded
    continue
  fi
  case $2 in
    sha256) hash=$hash_sha256 ;;
    sha512) hash=$hash_sha512 ;;
    sha1) hash=$hash_sha1 ;;
    *) hash=$hash_md5 ;;
  esac
  name=$2
  if [ "$1" = w ]; then
    shift 2
    lengths=
    digests=
    if are_files "$@"; then
      lengths=$(printf '%b\\0' "$@" | xargs -0 wc -c 2>/dev/null | words)
      digests=$(printf '%b\\0' "$@" | "many_\${hash#by_}" "$name" 2>/dev/null | words)
    fi
    printf 'w%s -%s\\n' "$lengths" "$digests" || exit 1
    continue
  fi
  if ! is_file "$file"; then
    printf '%s\\n' '- it is no file that can be read' || exit 1
    continue
  fi
  shift 4
  said=$({ parts "$@" | "$hash" "$name"; } 3>&1 </dev/null)
  set -- $said
  printf 'dd %s\\n' "$*" || exit 1
done
exit 0
}
`;
}
