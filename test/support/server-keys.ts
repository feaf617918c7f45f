import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostKeyType, makeKey } from './ssh-keys.ts';
import { makeTempDir } from './temp-dir.ts';

/** Servers of one test have different keys, as two servers do, unless they are more than so many. */
const PAIRS = 6;

/** How many of each kind were given, and the pairs that were looked for, by their directories. */
const given = new Map<string, number>();
const found = new Map<string, Promise<void>>();
let own: Promise<string> | undefined;

/** Where processes of a test run find what one of them has made. A bench has a directory of its own. */
function directoryOfPairs(): Promise<string> {
  const shared = process.env.MT_TEST_KEYS;
  if (shared !== undefined) return Promise.resolve(shared);
  own ??= makeTempDir('keys').then(({ path }) => path);
  return own;
}

/** A pair is complete when it has its name. Where two processes make the same one, the later uses that of the other. */
async function findPair(pair: string, type: HostKeyType, pem: boolean): Promise<void> {
  if (existsSync(pair)) return;
  const unnamed = `${pair}-${process.pid}`;
  await mkdir(unnamed);
  await makeKey(join(unnamed, 'key'), type, { pem });
  await rename(unnamed, pair).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

/**
 * Puts a key pair of a server, or of somebody who may log in to it, at `path` and `path.pub`. Other servers have the
 * same: to make keys takes several times as long as to start a server.
 */
export async function placeKey(path: string, type: HostKeyType, pem: boolean = false): Promise<void> {
  const kind = pem ? `${type}-pem` : type;
  const turn = given.get(kind) ?? 0;
  given.set(kind, turn + 1);
  const pair = join(await directoryOfPairs(), `${kind}-${turn % PAIRS}`);
  const looked = found.get(pair) ?? findPair(pair, type, pem);
  found.set(pair, looked);
  await looked;
  await Promise.all([copyFile(join(pair, 'key'), path), copyFile(join(pair, 'key.pub'), `${path}.pub`)]);
}
