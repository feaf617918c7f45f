/** Files of ssh, and what is asked of them: each is also given to the ssh of the system. */

export interface ConfigCase {
  readonly what: string;
  /** The files by name, `main` among them. `HOME` stands for the directory of the user. */
  readonly files: Readonly<Record<string, string>>;
  /** As typed. Default: `nas`. */
  readonly host?: string;
  /** `-o`, and `-p` and `-l` by their keywords. */
  readonly options?: readonly string[];
}

const one = (what: string, main: string, more: Partial<ConfigCase> = {}): ConfigCase => ({
  what,
  files: { main },
  ...more,
});

export const CONFIG_CASES: readonly ConfigCase[] = [
  one('nothing', ''),
  one('an alias', 'Host nas\n  HostName 10.1.2.3\n  User backup\n  Port 2222\n'),
  one('another host', 'Host other\n  Port 2222\n'),
  one('the first value counts', 'Host nas\n  Port 1\n  Port 2\nHost *\n  Port 3\n  User late\n'),
  one('lines before the first Host', 'Port 77\nHost nas\n  Port 2\n'),
  one('keywords of any case', 'hOsT nas\n  pOrT 9\n  HOSTNAME x.org\n'),
  one('an equals sign', 'Host=nas\n  Port=9\n  User = joe\n  HostName =x.org\n'),
  one('tabs and trailing blanks', 'Host\tnas  \n\tPort\t9\t\n\tUser  joe \n'),
  one('CRLF', 'Host nas\r\n  Port 9\r\n'),
  one('comments', '# Host nas\n#Port 1\nHost nas # Port 2\n  # Port 3\n  Port 9 # of the day\n'),
  one('a number sign inside a word', 'Host nas\n  User a#b\n'),
  one('quotes', 'Host "nas"\n  User "joe"\n  HostName \'x.org\'\n'),
  one('quotes in the middle of a word', 'Host nas\n  User jo"e"\n'),
  one('a backslash before a blank', 'Host nas\n  IdentityFile /k/my\\ key\n'),
  one('a backslash before a quote', 'Host nas\n  IdentityFile /k/a\\"b\n'),
  one('a backslash before anything else', 'Host nas\n  IdentityFile /k/a\\b\n'),
  one('a keyword in quotes', 'Host nas\n  "Port" 9\n'),
  one('several patterns', 'Host a nas b\n  Port 9\n'),
  one('an asterisk', 'Host n*\n  Port 9\n'),
  one('a question mark', 'Host na?\n  Port 9\n'),
  one('a question mark for nothing', 'Host nas?\n  Port 9\n'),
  one('an asterisk for nothing', 'Host *nas*\n  Port 9\n'),
  one('a negated pattern after one that matches', 'Host n* !nas\n  Port 9\n'),
  one('a negated pattern before one that matches', 'Host !nas n*\n  Port 9\n'),
  one('a negated pattern of others', 'Host !other n*\n  Port 9\n'),
  one('only a negated pattern', 'Host !other\n  Port 9\n'),
  one('the case of a host', 'Host NAS\n  Port 9\n'),
  one('a typed host in capitals', 'Host NAS\n  Port 9\n', { host: 'NAS' }),
  one('a typed host in capitals, without an alias', 'Host nas\n  Port 9\n', { host: 'NAS' }),
  one('an IPv6 address', 'Host fe80::*\n  Port 9\n', { host: 'fe80::1' }),
  one('%h in HostName', 'Host nas\n  HostName %h.example.org\n'),
  one('%% in HostName', 'Host nas\n  HostName a%%b\n'),
  one('HostName of a later block', 'Host n*\n  User joe\nHost nas\n  HostName x.org\n'),
  one('Host compares with what was typed', 'Host nas\n  HostName x.org\nHost x.org\n  Port 9\n'),
  one('Match host compares with HostName', 'Host nas\n  HostName x.org\nMatch host x.org\n  Port 9\n'),
  one('Match host before HostName', 'Match host x.org\n  Port 9\nHost nas\n  HostName x.org\n'),
  one('Match host without HostName', 'Match host nas\n  Port 9\n'),
  one('Match host, in capitals', 'Match host NAS\n  Port 9\n'),
  one('Match host, a list', 'Match host a,nas,b\n  Port 9\n'),
  one('Match host, a list with a negation', 'Match host "n*,!nas"\n  Port 9\n'),
  one('Match originalhost', 'Host nas\n  HostName x.org\nMatch originalhost nas\n  Port 9\n'),
  one('Match originalhost, not HostName', 'Host nas\n  HostName x.org\nMatch originalhost x.org\n  Port 9\n'),
  one('Match user', 'Match user joe\n  Port 9\n', { options: ['User=joe'] }),
  one('Match user, from an earlier line', 'Host nas\n  User joe\nMatch user joe\n  Port 9\n'),
  one('Match user, of the system', 'Match user root\n  Port 9\n'),
  one('Match user, of others', 'Match user nobody\n  Port 9\n'),
  one('Match localuser', 'Match localuser root\n  Port 9\n', { options: ['User=joe'] }),
  one('Match all', 'Host other\n  User a\nMatch all\n  Port 9\n'),
  one('a negated criterion', 'Match !host other\n  Port 9\n'),
  one('a negated criterion that matches', 'Match !host nas\n  Port 9\n'),
  one('several criteria', 'Match host nas user joe\n  Port 9\n', { options: ['User=joe'] }),
  one('several criteria, not all of which match', 'Match host nas user joe\n  Port 9\n'),
  one('criteria with equals signs', 'Match host=nas user=root\n  Port 9\n'),
  one('Match final', 'Host nas\n  HostName x.org\nMatch final host x.org\n  Port 9\n'),
  one('Match final, last values', 'Match final all\n  Port 9\nHost nas\n  Port 2\n'),
  one(
    'Match final lets Host compare with HostName',
    'Host nas\n  HostName x.org\nMatch final\n  User f\nHost x.org\n  Port 9\n',
  ),
  one('Match !final', 'Match !final host nas\n  Port 9\n'),
  one('Match canonical', 'Match canonical\n  Port 9\n'),
  {
    what: 'an Include with an absolute path',
    files: { main: 'Include HOME/.ssh/more\nHost nas\n  Port 1\n', more: 'Host nas\n  Port 9\n' },
  },
  {
    what: 'an Include relative to .ssh',
    files: { main: 'Include more\nHost nas\n  User late\n', more: 'Host nas\n  Port 9\n' },
  },
  {
    what: 'an Include of several files, in order',
    files: { main: 'Include conf.*\n', 'conf.b': 'Host nas\n  Port 2\n', 'conf.a': 'Host nas\n  Port 1\n' },
  },
  { what: 'an Include of nothing', files: { main: 'Include missing* gone\nHost nas\n  Port 9\n' } },
  {
    what: 'an Include with a set',
    files: { main: 'Include c[a-c]\n', ca: 'Host x\n  Port 1\n', cb: 'Host nas\n  Port 9\n', cd: 'Port 3\n' },
  },
  {
    what: 'an Include in a block that applies',
    files: { main: 'Host nas\n  Include more\n  User joe\n', more: 'Port 9\n' },
  },
  {
    what: 'an Include in a block that does not apply',
    files: { main: 'Host other\n  Include more\n', more: 'Port 9\nHost nas\n  User joe\nMatch all\n  User all\n' },
  },
  {
    what: 'a Host in an included file ends with the file',
    files: { main: 'Host nas\n  Include more\n  User joe\n', more: 'Host other\n  Port 9\n' },
  },
  {
    what: 'an Include in an included file',
    files: { main: 'Include a\n', a: 'Include b\nHost nas\n  Port 9\n', b: 'Host nas\n  User joe\n' },
  },
  {
    what: 'an Include of two patterns',
    files: { main: 'Include a "b"\n', a: 'Host nas\n  Port 9\n', b: 'Host nas\n  User joe\n' },
  },
  one('-o takes precedence', 'Host nas\n  Port 9\n  User joe\n', { options: ['Port=5', 'user ann'] }),
  one('IdentityFile adds up', 'Host nas\n  IdentityFile /k/a\nHost *\n  IdentityFile /k/b\n'),
  one('IdentityFile twice the same', 'Host nas\n  IdentityFile /k/a\nHost *\n  IdentityFile /k/a\n'),
  one('IdentityFile and -o', 'IdentityFile /k/a\n', { options: ['IdentityFile=/k/o'] }),
  one('IdentitiesOnly', 'Host nas\n  IdentitiesOnly yes\n  IdentityFile /k/a\n'),
  one('IdentityAgent none', 'Host nas\n  IdentityAgent none\n'),
  one('IdentityAgent', 'Host nas\n  IdentityAgent /run/agent\n'),
  one('StrictHostKeyChecking accept-new', 'Host nas\n  StrictHostKeyChecking accept-new\n'),
  one('StrictHostKeyChecking yes', 'Host nas\n  StrictHostKeyChecking yes\n'),
  one('StrictHostKeyChecking off', 'Host nas\n  StrictHostKeyChecking off\n'),
  one('known_hosts files', 'Host nas\n  UserKnownHostsFile /a "/b c"\n  GlobalKnownHostsFile /g\n'),
  one('HostKeyAlias and HashKnownHosts', 'Host nas\n  HostKeyAlias box\n  HashKnownHosts yes\n'),
  one('AddressFamily, BatchMode, Compression', 'Host nas\n  AddressFamily inet6\n  BatchMode yes\n  Compression yes\n'),
  one('times', 'Host nas\n  ConnectTimeout 1m30s\n  ServerAliveInterval 2m\n'),
  one('NumberOfPasswordPrompts', 'Host nas\n  NumberOfPasswordPrompts 1\n'),
  one('a list of ciphers', 'Host nas\n  Ciphers aes256-ctr,aes128-ctr\n'),
  one('a list of MACs', 'Host nas\n  MACs hmac-sha2-512,hmac-sha2-256\n'),
  one('a list of key exchanges', 'Host nas\n  KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256\n'),
  one('a list of host key algorithms', 'Host nas\n  HostKeyAlgorithms rsa-sha2-512,ssh-ed25519\n'),
  one('keywords of no effect', 'Host nas\n  ForwardAgent yes\n  ControlMaster auto\n  LogLevel ERROR\n  Port 9\n'),
  one('keywords that ssh may ignore', 'IgnoreUnknown Foo*\nHost nas\n  FooBar 1\n  Port 9\n'),
];
