/** Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02), names of OpenSSH's extensions (OpenSSH PROTOCOL, 4). */

/** The version spoken; every server knows it, and OpenSSH knows no other. */
export const protocolVersion = 3;

/** First byte of every packet (draft section 3). */
export const PacketType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/**
 * Codes of a STATUS reply. Version 3 ends at 8 (draft section 7); the later ones come from servers that do not keep to
 * it (proftpd answers 9 and 11 to version 3 clients).
 */
export const StatusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
  invalidHandle: 9,
  noSuchPath: 10,
  fileAlreadyExists: 11,
  writeProtect: 12,
  noMedia: 13,
  noSpace: 14,
  quotaExceeded: 15,
  lockConflict: 17,
  directoryNotEmpty: 18,
  notADirectory: 19,
  invalidFilename: 20,
  linkLoop: 21,
  fileIsADirectory: 24,
} as const;

/** Bits of OPEN's flags (draft section 6.3). */
export const OpenFlag = {
  read: 0x01,
  write: 0x02,
  /** Makes servers ignore the offsets of WRITE: never used here for that reason. */
  append: 0x04,
  create: 0x08,
  truncate: 0x10,
  exclusive: 0x20,
} as const;

/** Bits that say which fields of ATTRS follow (draft section 5). */
export const AttributeFlag = {
  size: 0x01,
  owner: 0x02,
  permissions: 0x04,
  times: 0x08,
  extended: 0x80000000,
} as const;

/** Names of extensions as they stand in VERSION and in EXTENDED requests. */
export const ExtensionName = {
  posixRename: 'posix-rename@openssh.com',
  statVfs: 'statvfs@openssh.com',
  fsync: 'fsync@openssh.com',
  lsetstat: 'lsetstat@openssh.com',
  limits: 'limits@openssh.com',
  copyData: 'copy-data',
  /** proftpd has it, and announces it from version 5 on only. */
  copyFile: 'copy-file',
  /** proftpd since 1.3.8, OpenSSH since 9.1. */
  homeDirectory: 'home-directory',
  /** The name under which servers announce check-file; many that know it announce nothing. */
  checkFile: 'check-file',
  checkFileName: 'check-file-name',
  checkFileHandle: 'check-file-handle',
} as const;

/** A handle is at most this many bytes (draft section 6.2). */
export const maxHandleLength = 256;
