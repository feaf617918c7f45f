/** Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02) and names of extensions (OpenSSH PROTOCOL, section 4). */

/** The version this client speaks. Every server supports it, and OpenSSH supports no other. */
export const PROTOCOL_VERSION = 3;

/** The first byte of every packet (draft section 3). */
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
 * The codes of a STATUS reply. Version 3 defines 0 to 8 (draft section 7). Some servers send later ones to version 3
 * clients all the same (proftpd: 9 and 11).
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

/** The bits of the flags of OPEN (draft section 6.3). */
export const OpenFlag = {
  read: 0x01,
  write: 0x02,
  /** Never used here, because it makes servers ignore the offsets of WRITE. */
  append: 0x04,
  create: 0x08,
  truncate: 0x10,
  exclusive: 0x20,
} as const;

/** The bits that say which fields of ATTRS follow (draft section 5). */
export const AttributeFlag = {
  size: 0x01,
  owner: 0x02,
  permissions: 0x04,
  times: 0x08,
  extended: 0x80000000,
} as const;

/** The names of extensions in VERSION and in EXTENDED requests. */
export const ExtensionName = {
  posixRename: 'posix-rename@openssh.com',
  statVfs: 'statvfs@openssh.com',
  fsync: 'fsync@openssh.com',
  lsetstat: 'lsetstat@openssh.com',
  limits: 'limits@openssh.com',
  copyData: 'copy-data',
  /** proftpd supports it in version 3 too, but announces it only in version 5 and later. */
  copyFile: 'copy-file',
  /** proftpd since 1.3.8, OpenSSH since 9.1. */
  homeDirectory: 'home-directory',
  /** The name under which servers announce check-file. Many that support it announce nothing. */
  checkFile: 'check-file',
  checkFileName: 'check-file-name',
  checkFileHandle: 'check-file-handle',
} as const;

/** The longest handle, in bytes (draft section 6.2). */
export const MAX_HANDLE_LENGTH = 256;
