/** A host as it stands before a port: an IPv6 address is put in brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
