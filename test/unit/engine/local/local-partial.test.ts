import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalPartial } from '../../../../src/engine/local/local-partial.ts';
import { findPartials, removeIfOld } from '../../../../src/engine/local/local-partials.ts';
import { LOCAL_TARGET_FILES } from '../../../../src/engine/local/local-target-files.ts';
import { drainTo } from '../../../../src/engine/runner/descriptor-drain.ts';
import { makeTempDir, type TempDir } from '../../../support/temp-dir.ts';

let dir: TempDir;
let target: Buffer;
const opened: LocalPartial[] = [];
beforeEach(async () => {
  dir = await makeTempDir('partial');
  target = Buffer.from(dir.file('target'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((partial) => partial.close()));
  await dir.remove();
});

async function kept(opening: Promise<LocalPartial>): Promise<LocalPartial> {
  const partial = await opening;
  opened.push(partial);
  return partial;
}

/** What is at the target, as a run sees it that is going to replace it. */
function look(path: Buffer) {
  return LOCAL_TARGET_FILES.stat(path);
}

async function write(partial: LocalPartial, text: string): Promise<void> {
  await drainTo(partial.fd)([Buffer.from(text)], 0);
}

describe('a partial file', () => {
  it('is beside its target, for this user alone, under a new name each time', async () => {
    const one = await kept(LocalPartial.create(target));
    const other = await kept(LocalPartial.create(target));
    expect(one.path.equals(other.path)).toBe(false);
    expect(one.path.toString()).toMatch(/\/\.target\.[0-9a-f]{16}\.mtpart$/);
    expect((await stat(one.path)).mode & 0o7777).toBe(0o600);
  });

  it('of a journal is continued whatever its mode is, and no other that others may write', async () => {
    const partial = await kept(LocalPartial.create(target));
    await chmod(partial.path, 0o664);
    expect(await LocalPartial.reopen(partial.path)).toBeUndefined();
    expect(await kept(LocalPartial.reopen(partial.path, true).then((one) => one!))).toBeDefined();
  });

  it('that is the target itself must still be there in the end', async () => {
    const inPlace = await kept(LocalPartial.inPlace(target));
    await inPlace.confirmInPlace();
    await rename(target, `${target}.moved`);
    await expect(inPlace.confirmInPlace()).rejects.toMatchObject({ code: 'target-busy', exitCode: 12 });
    await writeFile(target, 'of somebody else');
    await expect(inPlace.confirmInPlace()).rejects.toThrow('replaced');
  });

  it('gets size, mode and time, and takes the place of the target', async () => {
    await writeFile(target, 'old');
    const partial = await kept(LocalPartial.create(target));
    await write(partial, 'newer');
    expect(await partial.finish({ size: 3, mode: 0o4640, mtimeMs: 1_000_000_000_000 })).toEqual([]);
    await partial.publish(target, await look(target));
    expect(await readFile(target, 'utf8')).toBe('new');
    const { mode, mtimeMs } = await stat(target);
    expect({ mode: mode & 0o7777, mtimeMs }).toEqual({ mode: 0o640, mtimeMs: 1_000_000_000_000 });
    expect(await readdir(dir.path)).toEqual(['target']);
  });

  it.each([
    ['removed', async (path: Buffer) => unlink(path)],
    [
      'replaced',
      async (path: Buffer) => {
        await unlink(path);
        await writeFile(path, 'of another program');
      },
    ],
  ] as const)('does not take the place of the target where it was %s meanwhile', async (what, change) => {
    await writeFile(target, 'old');
    const partial = await kept(LocalPartial.create(target));
    await change(partial.path);
    await expect(partial.publish(target, await look(target))).rejects.toMatchObject({
      code: 'partial-refused',
      message: expect.stringContaining(what),
    });
    expect(await readFile(target, 'utf8')).toBe('old');
  });

  it.each([
    ['changed', 'old', async () => appendFile(target, ' and more')],
    [
      'replaced',
      'old',
      async () => {
        await unlink(target);
        await writeFile(target, 'another');
      },
    ],
    ['created', undefined, async () => writeFile(target, 'another')],
    [
      'replaced by a link',
      'old',
      async () => symlink(target, `${target}.link`).then(() => rename(`${target}.link`, target)),
    ],
  ] as const)('does not take the place of a target that somebody else has %s meanwhile: 12', async (_, old, change) => {
    if (old !== undefined) await writeFile(target, old);
    const before = await look(target);
    const partial = await kept(LocalPartial.create(target));
    await write(partial, 'new');
    await partial.finish({ size: 3, mode: 0o664, mtimeMs: undefined });
    await change();
    const theirs = await lstat(target);
    await expect(partial.publish(target, before)).rejects.toMatchObject({ code: 'target-busy', exitCode: 12 });
    expect((await lstat(target)).ino).toBe(theirs.ino);
    const again = await LocalPartial.reopen(partial.path);
    expect(again?.found).toMatchObject({ size: 3, mode: 0o600 });
    await again?.close();
  });

  it('takes the place of a target that was removed meanwhile', async () => {
    await writeFile(target, 'old');
    const before = await look(target);
    const partial = await kept(LocalPartial.create(target));
    await unlink(target);
    await partial.publish(target, before);
    expect(await readdir(dir.path)).toEqual(['target']);
  });

  it('that cannot take the place of a directory may be opened again', async () => {
    const partial = await kept(LocalPartial.create(target));
    await partial.finish({ size: 3, mode: 0o666, mtimeMs: undefined });
    await mkdir(target);
    await expect(partial.publish(target, undefined)).rejects.toMatchObject({ exitCode: 4 });
    expect((await stat(partial.path)).mode & 0o7777).toBe(0o600);
    expect(await partial.isInPlace()).toBe(true);
    await unlink(partial.path);
    expect(await partial.isInPlace()).toBe(false);
  });

  it('is opened again with what it has', async () => {
    const partial = await kept(LocalPartial.create(target));
    await write(partial, 'some');
    const again = await LocalPartial.reopen(partial.path);
    expect(again?.found.size).toBe(4);
    await again?.close();
  });

  it.each([
    ['is a symbolic link', async (path: string) => symlink('/etc/hostname', path)],
    ['has another name', async (path: string) => link(await created(path), path)],
    ['may be written by others', async (path: string) => chmod(await created(path, path), 0o660)],
    ['is a directory', async (path: string) => mkdir(path)],
    ['is gone', async () => {}],
  ] as const)('is not opened again where it %s', async (_, make) => {
    const path = dir.file('.target.0123456789abcdef.mtpart');
    await make(path);
    expect(await LocalPartial.reopen(Buffer.from(path))).toBeUndefined();
  });

  it('of which the target is a directory that does not exist cannot be created: the destination', async () => {
    await expect(LocalPartial.create(Buffer.from(dir.file('no/target')))).rejects.toMatchObject({ exitCode: 4 });
  });
});

async function created(path: string, at: string = `${path}.other`): Promise<string> {
  await writeFile(at, '');
  return at;
}

describe('the target itself', () => {
  it('is created if it is missing, and keeps what it has if it is not', async () => {
    const partial = await kept(LocalPartial.inPlace(target));
    expect(partial.found.size).toBe(0);
    await writeFile(target, 'old');
    expect((await kept(LocalPartial.inPlace(target))).found.size).toBe(3);
  });

  it.each([
    ['a symbolic link', async (path: string) => symlink('elsewhere', path)],
    ['a directory', async (path: string) => mkdir(path)],
  ] as const)('is not written where it is %s', async (_, make) => {
    await make(target.toString());
    await expect(LocalPartial.inPlace(target)).rejects.toMatchObject({ exitCode: 4 });
    expect((await lstat(target)).isFile()).toBe(false);
  });
});

describe('the partial files of a target', () => {
  it('are found by their names, the newest first, and nothing else is', async () => {
    const names = ['.target.0123456789abcdef.mtpart', '.target.fedcba9876543210.mtpart'];
    for (const [index, name] of names.entries()) {
      await writeFile(dir.file(name), 'x');
      await utimes(dir.file(name), 1000 + index, 1000 + index);
    }
    await writeFile(dir.file('.other.0123456789abcdef.mtpart'), '');
    await mkdir(dir.file('.target.1123456789abcdef.mtpart'));
    const found = await findPartials(target);
    expect(found.map(({ path }) => path.toString())).toEqual(names.reverse().map((name) => join(dir.path, name)));
    expect(found.every(({ isCertain }) => isCertain)).toBe(true);
  });

  it('are removed where nobody has written them for a day', async () => {
    const path = dir.file('.target.0123456789abcdef.mtpart');
    await writeFile(path, 'x');
    const [found] = await findPartials(target);
    expect(await removeIfOld(found!)).toBe(false);
    expect(await removeIfOld(found!, found!.mtimeMs + 25 * 60 * 60 * 1000)).toBe(true);
    expect(await readdir(dir.path)).toEqual([]);
  });
});
