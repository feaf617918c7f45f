import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import type { SftpAttributes } from '../../src/remotes/sftp/codec/attributes.ts';
import { parseCheckFileReply } from '../../src/remotes/sftp/codec/check-file.ts';
import { parseCopyData, parseLimits, parseStatVfs } from '../../src/remotes/sftp/codec/extensions.ts';
import { PacketFramer } from '../../src/remotes/sftp/codec/packet-framer.ts';
import { encodeReply, parseReply, type Reply } from '../../src/remotes/sftp/codec/replies.ts';
import { encodeRequest, parseRequest, type Request } from '../../src/remotes/sftp/codec/requests.ts';
import { byTier } from '../support/tier.ts';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const offset = fc.maxSafeNat();
const raw = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const handle = fc.uint8Array({ maxLength: 256 }).map((bytes) => Buffer.from(bytes));
const latin = raw.map((bytes) => bytes.toString('utf8').replace(/[^\x20-\x7e]/g, '?'));

const attributes: fc.Arbitrary<SftpAttributes> = fc.record(
  {
    size: offset,
    owner: fc.record({ uid: uint32, gid: uint32 }),
    permissions: uint32,
    times: fc.record({ atimeSeconds: uint32, mtimeSeconds: uint32 }),
  },
  { requiredKeys: [] },
);

function tagged<T extends string, F extends object>(
  types: readonly T[],
  fields: { [K in keyof F]: fc.Arbitrary<F[K]> },
) {
  return fc.record({ type: fc.constantFrom(...types), id: uint32, ...fields });
}

const request = fc.oneof(
  fc.record({ type: fc.constant('init' as const), version: uint32 }),
  tagged(['open'], { path: raw, flags: uint32, attributes }),
  tagged(['read'], { handle, offset, length: uint32 }),
  tagged(['write'], { handle, offset, data: raw }),
  tagged(['close', 'fstat', 'readdir'], { handle }),
  tagged(['lstat', 'stat', 'opendir', 'remove', 'rmdir', 'realpath', 'readlink'], { path: raw }),
  tagged(['setstat', 'mkdir'], { path: raw, attributes }),
  tagged(['fsetstat'], { handle, attributes }),
  tagged(['rename'], { oldPath: raw, newPath: raw }),
  tagged(['symlink'], { target: raw, link: raw }),
  tagged(['extended'], { name: latin, payload: raw }),
) as fc.Arbitrary<Request>;

const reply = fc.oneof(
  fc.record({
    type: fc.constant('version' as const),
    version: uint32,
    extensions: fc.array(fc.tuple(latin, raw), { maxLength: 5 }).map((pairs) => new Map(pairs)),
  }),
  tagged(['status'], { status: uint32, message: raw, language: raw }),
  tagged(['handle'], { handle }),
  tagged(['data'], { data: raw }),
  tagged(['name'], { entries: fc.array(fc.record({ name: raw, longName: raw, attributes }), { maxLength: 5 }) }),
  tagged(['attributes'], { attributes }),
  tagged(['extendedReply'], { payload: raw }),
) as fc.Arbitrary<Reply>;

test('every request comes back as it was', () => {
  fc.assert(
    fc.property(request, (value) => {
      expect(parseRequest(encodeRequest(value).subarray(4))).toEqual(value);
    }),
  );
});

test('every reply comes back as it was', () => {
  fc.assert(
    fc.property(reply, (value) => {
      expect(parseReply(encodeReply(value).subarray(4))).toEqual(value);
    }),
  );
});

test('garbage is parsed or refused with a CopyError', () => {
  const parsers = [parseRequest, parseReply, parseLimits, parseStatVfs, parseCopyData, parseCheckFileReply];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...parsers), (bytes, parse) =>
      coded(() => parse(bytes)),
    ),
    { numRuns: byTier(1000, 20_000) },
  );
});

test('a message with a few bytes changed is parsed or refused with a CopyError', () => {
  const message = fc.oneof(request.map(encodeRequest), reply.map(encodeReply));
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(message, changes, (encoded, places) => {
      const bytes = Buffer.from(encoded.subarray(4));
      for (const [place, value] of places) bytes[place % bytes.length] = value;
      coded(() => parseRequest(bytes));
      coded(() => parseReply(bytes));
    }),
    { numRuns: byTier(500, 10_000) },
  );
});

test('packets do not depend on how the stream is split', () => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 6 }), fc.array(fc.nat()), (replies, cuts) => {
      const packets = replies.map(encodeReply);
      const found = frame(split(Buffer.concat(packets), cuts));
      expect(found).toEqual(packets.map((packet) => packet.subarray(4)));
    }),
    { numRuns: byTier(200, 2000) },
  );
});

test('a stream of garbage is framed or refused with a CopyError', () => {
  const small = fc.uint8Array({ maxLength: 60, max: 3 });
  fc.assert(
    fc.property(fc.oneof(small, fc.uint8Array({ maxLength: 60 })), fc.array(fc.nat()), (bytes, cuts) => {
      coded(() => frame(split(Buffer.from(bytes), cuts)));
    }),
    { numRuns: byTier(500, 10_000) },
  );
});

function coded(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(CopyError);
    expect(error).toHaveProperty('code', 'protocol');
  }
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

function frame(chunks: readonly Buffer[]): Buffer[] {
  const framer = new PacketFramer();
  const packets: Buffer[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let packet = framer.next(); packet !== undefined; packet = framer.next()) packets.push(packet);
  }
  return packets;
}
