import { expect } from 'vitest';
import { PacketFramer } from '../../../../../src/remotes/sftp/codec/packet-framer.ts';

/** What a framer makes of chunks, as hexadecimal text. */
export function framed(chunks: readonly Uint8Array[], framer: PacketFramer = new PacketFramer()): string[] {
  const packets: string[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let packet = framer.next(); packet !== undefined; packet = framer.next()) packets.push(packet.toString('hex'));
  }
  return packets;
}

/** Feeds a packet, and a second one behind it, split at every offset, and byte by byte. */
export function feedSplit(whole: Buffer): void {
  const twice = Buffer.concat([whole, whole]);
  const packet = whole.subarray(4).toString('hex');
  for (let at = 0; at <= twice.length; at++) {
    expect(framed([twice.subarray(0, at), twice.subarray(at)])).toEqual([packet, packet]);
  }
  expect(framed(Array.from(twice, (byte) => Uint8Array.of(byte)))).toEqual([packet, packet]);
}
