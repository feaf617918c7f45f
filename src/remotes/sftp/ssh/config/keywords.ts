/** Every keyword of ssh_config(5), and what becomes of it here. */

/** Those that decide how connections are made, in the spelling of the manual. */
export const USED_KEYWORDS = [
  'AddressFamily',
  'BatchMode',
  'BindAddress',
  'Ciphers',
  'Compression',
  'ConnectTimeout',
  'GlobalKnownHostsFile',
  'HashKnownHosts',
  'HostKeyAlgorithms',
  'HostKeyAlias',
  'HostName',
  'IdentitiesOnly',
  'IdentityAgent',
  'IdentityFile',
  'KbdInteractiveAuthentication',
  'KexAlgorithms',
  'MACs',
  'NumberOfPasswordPrompts',
  'PasswordAuthentication',
  'Port',
  'PreferredAuthentications',
  'ProxyCommand',
  'ProxyJump',
  'PubkeyAcceptedAlgorithms',
  'PubkeyAuthentication',
  'RevokedHostKeys',
  'ServerAliveCountMax',
  'ServerAliveInterval',
  'StrictHostKeyChecking',
  'User',
  'UserKnownHostsFile',
] as const;

export type UsedKeyword = (typeof USED_KEYWORDS)[number];

/** Older names of the same (readconf.c, `keywords`). */
const ALIASES: Readonly<Record<string, UsedKeyword>> = {
  challengeresponseauthentication: 'KbdInteractiveAuthentication',
  dsaauthentication: 'PubkeyAuthentication',
  pubkeyacceptedkeytypes: 'PubkeyAcceptedAlgorithms',
  skeyauthentication: 'KbdInteractiveAuthentication',
  tisauthentication: 'KbdInteractiveAuthentication',
};

/**
 * Those that change whom a connection reaches or what it trusts, and are not honoured. Each has the values with which
 * nothing would change.
 */
const NOT_HONOURED: Readonly<Record<string, readonly string[]>> = {
  bindinterface: [],
  canonicalizehostname: ['no', 'false', 'none'],
  certificatefile: ['none'],
  knownhostscommand: ['none'],
  nohostauthenticationforlocalhost: ['no', 'false'],
  pkcs11provider: ['none'],
  requiredrsasize: [],
  securitykeyprovider: ['none', 'internal'],
  verifyhostkeydns: ['no', 'false'],
};

/** Without them, another server would be reached, or none, or a key be trusted that is not to be. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  proxyusefdpass: ['no', 'false'],
  refuseconnection: [],
};

/** Those that concern only what this program does not do, or change neither the route nor the security. */
const OF_NO_EFFECT: ReadonlySet<string> = new Set(
  `addkeystoagent afstokenpassing canonicaldomains canonicalizefallbacklocal canonicalizemaxdots
  canonicalizepermittedcnames casignaturealgorithms channeltimeout checkhostip cipher clearallforwardings
  compressionlevel connectionattempts controlmaster controlpath controlpersist dynamicforward enableescapecommandline
  enablesshkeysign escapechar exitonforwardfailure fallbacktorsh fingerprinthash forkafterauthentication forwardagent
  forwardx11 forwardx11timeout forwardx11trusted gatewayports globalknownhostsfile2 gssapiauthentication
  gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey
  gssapiserveridentity gssapitrustdns hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes
  identityfile2 ignoreunknown ipqos kbdinteractivedevices keepalive kerberosauthentication kerberostgtpassing
  localcommand localforward loglevel logverbose obscurekeystroketiming permitlocalcommand permitremoteopen protocol
  rekeylimit remotecommand remoteforward requesttty rhostsrsaauthentication rsaauthentication sendenv
  sessiontype setenv smartcarddevice stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag
  tcpkeepalive tunnel tunneldevice updatehostkeys usekeychain useprivilegedport useroaming userknownhostsfile2 usersh
  versionaddendum visualhostkey warnweakcrypto xauthlocation`.split(/\s+/),
);

/** What becomes of a keyword with this value. */
export type Treatment =
  | { readonly kind: 'used'; readonly keyword: UsedKeyword }
  | { readonly kind: 'of-no-effect' | 'not-honoured' | 'needed' | 'unknown' };

export function treatmentOf(keyword: string, value: string | undefined): Treatment {
  const lower = keyword.toLowerCase();
  const used = ALIASES[lower] ?? USED_KEYWORDS.find((one) => one.toLowerCase() === lower);
  if (used !== undefined) return { kind: 'used', keyword: used };
  for (const [kind, table] of [['not-honoured', NOT_HONOURED] as const, ['needed', NEEDED] as const]) {
    const harmless = table[lower];
    if (harmless !== undefined) {
      return { kind: harmless.includes((value ?? '').toLowerCase()) ? 'of-no-effect' : kind };
    }
  }
  return { kind: OF_NO_EFFECT.has(lower) ? 'of-no-effect' : 'unknown' };
}
