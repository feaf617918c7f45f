// SFTP on one directory, as far as an upload or a download of one file needs it.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, stat, unlink } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { OutsideError, type ServedDirectory } from './served-directory.ts';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** What a client may make of modes: no setuid, setgid, sticky. */
const MODE_BITS = 0o777;
/** In bytes. A client asks again for what is missing. */
const MAX_READ = 256 * 1024;

function openFlags(flags: number): number {
  const reads = (flags & OPEN_MODE.READ) !== 0;
  const writes = (flags & OPEN_MODE.WRITE) !== 0;
  return (
    (writes ? (reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
    (flags & OPEN_MODE.CREAT ? constants.O_CREAT : 0) |
    (flags & OPEN_MODE.TRUNC ? constants.O_TRUNC : 0) |
    (flags & OPEN_MODE.EXCL ? constants.O_EXCL : 0)
  );
}

function toAttributes({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): ssh2.Attributes {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
}

function statusOf(error: unknown): number {
  if (error instanceof OutsideError) return STATUS_CODE.PERMISSION_DENIED;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return STATUS_CODE.NO_SUCH_FILE;
    case 'EACCES':
    case 'EPERM':
    case 'ELOOP':
      return STATUS_CODE.PERMISSION_DENIED;
    default:
      return STATUS_CODE.FAILURE;
  }
}

/** Version 3 does not replace: a link fails where a rename would overwrite. */
async function renameWithoutReplacing(from: string, to: string): Promise<void> {
  await link(from, to);
  await unlink(from);
}

/** Answers the requests of one session, in the order in which they come. */
export class SftpHandler {
  readonly #sftp: ssh2.SFTPWrapper;
  readonly #directory: ServedDirectory;
  readonly #open: Map<number, FileHandle> = new Map();
  #lastHandle = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(sftp: ssh2.SFTPWrapper, directory: ServedDirectory) {
    this.#sftp = sftp;
    this.#directory = directory;
    // ssh2 leaves it to us to hang up after the client has.
    sftp.on('end', () => sftp.end());
    sftp.on('REALPATH', (id, path) => this.#answer(id, () => this.#realPath(id, path)));
    sftp.on('STAT', (id, path) =>
      this.#answer(id, async () => sftp.attrs(id, toAttributes(await stat(await directory.followed(path))))),
    );
    sftp.on('LSTAT', (id, path) =>
      this.#answer(id, async () => sftp.attrs(id, toAttributes(await lstat(await directory.local(path))))),
    );
    sftp.on('OPEN', (id, path, flags, { mode }) => this.#answer(id, () => this.#openFile(id, path, flags, mode)));
    sftp.on('READ', (id, handle, offset, length) => this.#answer(id, () => this.#read(id, handle, offset, length)));
    sftp.on('WRITE', (id, handle, offset, data) => this.#done(id, () => this.#write(handle, offset, data)));
    sftp.on('FSTAT', (id, handle) =>
      this.#answer(id, async () => sftp.attrs(id, toAttributes(await this.#file(handle).stat()))),
    );
    sftp.on('FSETSTAT', (id, handle, attributes) => this.#done(id, () => this.#setStat(handle, attributes)));
    sftp.on('CLOSE', (id, handle) => this.#done(id, () => this.#closeFile(handle)));
    sftp.on('REMOVE', (id, path) => this.#done(id, async () => unlink(await directory.local(path))));
    sftp.on('MKDIR', (id, path) => this.#done(id, async () => void (await mkdir(await directory.local(path)))));
    sftp.on('RENAME', (id, from, to) =>
      this.#done(id, async () => renameWithoutReplacing(await directory.local(from), await directory.local(to))),
    );
  }

  /** The client is gone. */
  async end(): Promise<void> {
    await this.#queue;
    await Promise.all([...this.#open.values()].map((file) => file.close()));
    this.#open.clear();
  }

  #answer(id: number, work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error) => this.#sftp.status(id, statusOf(error)));
  }

  #done(id: number, work: () => Promise<void>): void {
    this.#answer(id, async () => {
      await work();
      this.#sftp.status(id, STATUS_CODE.OK);
    });
  }

  async #realPath(id: number, path: string): Promise<void> {
    // Refuses what leads out, and says nothing of it.
    await this.#directory.local(path);
    const filename = this.#directory.canonical(path);
    this.#sftp.name(id, [{ filename, longname: filename, attrs: {} as ssh2.Attributes }]);
  }

  async #openFile(id: number, path: string, flags: number, mode: number | undefined): Promise<void> {
    // A link is not followed: it could lead out.
    const how = openFlags(flags) | (constants.O_NOFOLLOW ?? 0);
    const file = await open(await this.#directory.local(path), how, (mode ?? 0o600) & MODE_BITS);
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++this.#lastHandle);
    this.#open.set(this.#lastHandle, file);
    this.#sftp.handle(id, handle);
  }

  async #read(id: number, handle: Buffer, offset: number, length: number): Promise<void> {
    const data = Buffer.alloc(Math.min(length, MAX_READ));
    const { bytesRead } = await this.#file(handle).read(data, 0, data.length, offset);
    if (bytesRead === 0) this.#sftp.status(id, STATUS_CODE.EOF);
    else this.#sftp.data(id, data.subarray(0, bytesRead));
  }

  async #write(handle: Buffer, offset: number, data: Buffer): Promise<void> {
    const file = this.#file(handle);
    for (let written = 0; written < data.length; ) {
      const { bytesWritten } = await file.write(data, written, data.length - written, offset + written);
      written += bytesWritten;
    }
  }

  async #setStat(handle: Buffer, { size, mode, atime, mtime }: Partial<ssh2.Attributes>): Promise<void> {
    const file = this.#file(handle);
    if (size !== undefined) await file.truncate(size);
    if (mode !== undefined) await file.chmod(mode & MODE_BITS);
    if (atime !== undefined && mtime !== undefined) await file.utimes(atime, mtime);
  }

  async #closeFile(handle: Buffer): Promise<void> {
    const file = this.#file(handle);
    this.#open.delete(handle.readUInt32BE());
    await file.close();
  }

  #file(handle: Buffer): FileHandle {
    const file = handle.length === 4 ? this.#open.get(handle.readUInt32BE()) : undefined;
    if (file === undefined) throw new Error('No such handle');
    return file;
  }
}
