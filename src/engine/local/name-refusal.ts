/** What no file may be called on the system that a download writes to, although the server has files of that name. */

/** Names of devices, whatever follows a dot (Naming Files, Paths, and Namespaces; Microsoft). */
const DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;
const FORBIDDEN = /[\0-\x1f<>:"/\\|?*]/;

/** Returns why a name is refused; undefined: every name of a server is allowed. */
export function nameRefusal(platform: NodeJS.Platform): ((name: Buffer) => string | undefined) | undefined {
  return platform === 'win32' ? refusalOfWindows : undefined;
}

function refusalOfWindows(name: Buffer): string | undefined {
  const text = name.toString('utf8');
  if (FORBIDDEN.test(text)) return 'Windows allows none of < > : " / \\ | ? * and no control characters in names';
  if (/[. ]$/.test(text)) return 'Windows allows no dot or space at the end of a name';
  if (DEVICES.test(text)) return 'Windows keeps it for a device';
  return undefined;
}
