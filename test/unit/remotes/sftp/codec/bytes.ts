/**
 * Bytes as they stand in a specification: hexadecimal digits, and text in single quotes; white space is for the eye.
 */
export function bytes(notation: string): Buffer {
  const parts = [...notation.matchAll(/'([^']*)'|([0-9a-f]+)|(\S)/g)].map(([, text, hex, other]) => {
    if (other !== undefined) throw new Error(`Not hexadecimal: ${other}`);
    if (hex !== undefined && hex.length % 2 !== 0) throw new Error(`Half a byte: ${hex}`);
    return text === undefined ? Buffer.from(hex!, 'hex') : Buffer.from(text, 'latin1');
  });
  return Buffer.concat(parts);
}
