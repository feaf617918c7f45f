/**
 * Programs in python3 and perl that hash on the server, where it has these languages. Each is one process that reads
 * requests and answers each with a line; `shell-requests.ts` defines both. They contain no single quotes, because the
 * shell gets them in single quotes.
 *
 * The argument of a program is the beginning of its greeting. A program that cannot serve exits with a status other
 * than 0 before it prints anything.
 */

export const PYTHON: string = String.raw`
import hashlib, os, re, stat, sys

def greeting():
    words = [sys.argv[1] + " python3"]
    for name in ("sha256", "sha512", "sha1", "md5"):
        try:
            words.append(name + "=" + hashlib.new(name).hexdigest())
        except ValueError:
            pass
    return " ".join(words)

def digest(path, name, offset, length):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(fd, "rb", 0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "it is no file")
        file.seek(offset)
        hasher = hashlib.new(name)
        left = length
        while left > 0:
            count = file.readinto(view[:min(left, len(view))])
            if not count:
                break
            hasher.update(view[:count])
            left -= count
        return "+ %d %s" % (length - left, hasher.hexdigest())

def say(line):
    os.write(1, line.encode("ascii", "replace") + b"\n")

view = memoryview(bytearray(1 << 20))
path = b""
try:
    say(greeting())
    for line in sys.stdin.buffer:
        words = line.split()
        if words[0] == b"f":
            path = re.sub(rb"\\0([0-7]{3})", lambda match: bytes((int(match.group(1), 8),)), words[1])
            continue
        try:
            say(digest(path, words[1].decode(), int(words[2]), int(words[3])))
        except BrokenPipeError:
            raise
        except OSError as error:
            say("- " + " ".join(str(error.strerror).split()))
except BrokenPipeError:
    pass
os._exit(0)
`;

export const PERL: string = String.raw`
use strict;
use Fcntl;
use IO::Handle;
my %new;
eval { require Digest::SHA; for my $bits (256, 512, 1) { $new{"sha$bits"} = sub { Digest::SHA->new($bits) } } };
eval { require Digest::MD5; $new{md5} = sub { Digest::MD5->new } };
exit 3 unless $new{sha256};
binmode STDIN;
STDOUT->autoflush(1);
sub digest {
  my ($path, $name, $offset, $length) = @_;
  sysopen(my $file, $path, O_RDONLY | O_NONBLOCK) or return "- $!";
  return "- it is no file" unless -f $file;
  binmode $file;
  sysseek($file, $offset, 0) or return "- $!";
  my $hasher = $new{$name}->();
  my ($left, $part) = ($length, "");
  while ($left > 0) {
    my $count = sysread($file, $part, $left < 1048576 ? $left : 1048576);
    return "- $!" unless defined $count;
    last unless $count;
    $hasher->add($part);
    $left -= $count;
  }
  return sprintf("+ %.0f %s", $length - $left, $hasher->hexdigest);
}
print join(" ", "$ARGV[0] perl", map { "$_=" . $new{$_}->()->hexdigest } grep { $new{$_} } qw(sha256 sha512 sha1 md5)), "\n";
my $path = "";
while (my $line = <STDIN>) {
  my ($kind, @words) = split " ", $line;
  if ($kind eq "f") {
    ($path = $words[0]) =~ s/\\0([0-7]{3})/chr oct $1/ge;
  } else {
    print digest($path, @words), "\n" or last;
  }
}
exit 0;
`;
