import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLocation } from '../../../src/cli/location.ts';
import { textFromBytes } from '../../../src/util/bytes-text.ts';

const shown = (text: string) => {
  const location = parseLocation(text);
  return location && { ...location, path: location.path.toString('latin1') };
};

describe('a location', () => {
  it.each([
    ['host:', { host: 'host', path: '' }],
    ['host:a/b c', { host: 'host', path: 'a/b c' }],
    ['user@host:/abs:x', { host: 'host', user: 'user', path: '/abs:x' }],
    ['user@domain@host:x', { host: 'host', user: 'user@domain', path: 'x' }],
    ['host:~', { host: 'host', path: '' }],
    ['host:~/x', { host: 'host', path: 'x' }],
    ['host:./~x', { host: 'host', path: './~x' }],
    ['[::1]:p', { host: '::1', path: 'p' }],
    ['me@[fe80::1%eth0]:p', { host: 'fe80::1%eth0', user: 'me', path: 'p' }],
    ['sftp://host', { host: 'host', path: '' }],
    ['sftp://host/a', { host: 'host', path: 'a' }],
    ['SFTP://u%40d@host:2222//abs/%20%ff', { host: 'host', user: 'u@d', port: 2222, path: '/abs/ \xff' }],
    ['sftp://[::1]:22/x', { host: '::1', port: 22, path: 'x' }],
    ['sftp://[fe80::1%25lo]:22/x', { host: 'fe80::1%lo', port: 22, path: 'x' }],
    ['[fe80::1%lo]:x', { host: 'fe80::1%lo', path: 'x' }],
  ])('%s', (text, location) => {
    expect(shown(text)).toEqual(location);
  });

  it.each(['file', './a:b', 'dir/a:b', ':x', ''])('%j is local', (text) => {
    expect(parseLocation(text)).toBeUndefined();
  });

  it.each([
    ['-oProxyCommand=x:', "begins with '-'"],
    ['-l@host:', "begins with '-'"],
    ['sftp://-x/', "begins with '-'"],
    ['sftp://%2dx@host/', "begins with '-'"],
    ['[-x]:', "begins with '-'"],
    ['@host:', 'names no user'],
    ['user@:', 'names no host'],
    ['[]:x', 'names no host'],
    ['sftp:///x', 'names no host'],
    ['ho st:', 'a character no host has'],
    ['ho\x1bst:', 'a character no host has'],
    ['h\udcff:', 'a character no host has'],
    ['u\n@host:', 'a character no user has'],
    ['sftp://host/%', "'%' without two hex digits"],
    ['sftp://host/%00', '%00'],
    ['sftp://host:0/', 'takes a port'],
    ['sftp://host:x/', 'takes a port'],
    ['scp://host/x', 'no address this program knows'],
    ['::1:x', 'IPv6 address without brackets'],
    ['me@fe80::1:x', 'IPv6 address without brackets'],
    ['host:~other/x', 'home directory of another user'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });

  it('never repeats a password', () => {
    expect(() => parseLocation('sftp://u:secret@host/x')).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining('secret'),
        advice: expect.stringContaining('MT_COPY_PASSWORD'),
      }),
    );
  });

  it('keeps every path, byte for byte', () => {
    const path = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)));
    fc.assert(
      fc.property(path, (bytes) => {
        const plain = Buffer.concat([Buffer.from('/'), bytes]);
        expect(parseLocation(`u@host:${textFromBytes(plain)}`)?.path).toEqual(plain);
        const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        expect(parseLocation(`sftp://host/${encoded}`)?.path).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});
