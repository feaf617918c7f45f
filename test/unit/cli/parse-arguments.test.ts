import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';

type Environment = Record<string, string>;

function parse(args: string, environment: Environment = {}) {
  const invocation = parseArguments(args.split(' ').filter(Boolean), environment, '1.2.3');
  if (invocation.kind !== 'put') throw new Error('no copy');
  return invocation;
}

const usage = (message: string, advice?: string) =>
  expect.objectContaining({
    code: 'usage',
    exitCode: 2,
    message: expect.stringContaining(message),
    ...(advice === undefined ? {} : { advice: expect.stringContaining(advice) }),
  });

describe('a command line', () => {
  it('has the documented defaults', () => {
    expect(parse('f host:x').filesFrom).toBeUndefined();
    expect(parse('f host:x').put).toEqual({
      sources: [Buffer.from('f')],
      destination: Buffer.from('x'),
      ssh: {
        host: 'host',
        identityFiles: [],
        options: [],
        compression: false,
        batch: false,
        allowsMatchExec: false,
        pinnedHostKeys: [],
        stallTimeoutMs: 30_000,
      },
      connections: 'auto',
      pieceSize: 'auto',
      inFlight: 'auto',
      maxStartups: 8,
      connectIntervalMs: 0,
      verify: 'auto',
      algorithm: 'auto',
      digestProvider: 'auto',
      inplace: false,
      preserve: true,
      resume: true,
      filters: [],
      links: 'follow',
      checksum: false,
      force: false,
      ignoreExisting: false,
      retryForMs: 900_000,
      dryRun: false,
    });
  });

  it('passes every option on', () => {
    const fingerprint = `SHA256:${'A'.repeat(43)}`;
    const { put, output, batch } = parse(
      '-rp -n 10 a -s 4M --in-flight 64 -u 3 -I 0.5 --verify none -a sha1 --digest-provider shell --inplace --no-preserve --no-resume --limit 10M -P2222 -i k1 -i k2 ' +
        `-o A=b -o C=d -c aes -C -6 -B --pin-host-key ${fingerprint} --connect-timeout 2s --stall-timeout 3 --retry-for 2m ` +
        '--dry-run -vv --json --progress always --color never me:b u@h:d',
    );
    expect(put).toMatchObject({
      sources: [Buffer.from('a'), Buffer.from('me:b')],
      ssh: {
        host: 'h',
        user: 'u',
        port: 2222,
        identityFiles: ['k1', 'k2'],
        options: ['A=b', 'C=d'],
        ciphers: 'aes',
        compression: true,
        addressFamily: 6,
        batch: true,
        pinnedHostKeys: [fingerprint],
        connectTimeoutMs: 2000,
        stallTimeoutMs: 3000,
      },
      connections: 10,
      pieceSize: 4194304,
      inFlight: 64,
      maxStartups: 3,
      connectIntervalMs: 500,
      verify: 'none',
      algorithm: 'sha1',
      digestProvider: 'shell',
      inplace: true,
      preserve: false,
      resume: false,
      limitBytesPerSecond: 10485760,
      retryForMs: 120_000,
      dryRun: true,
    });
    expect(output).toMatchObject({ verbose: 2, json: true, quiet: false, progress: 'always', color: 'never' });
    expect(batch).toBe(true);
  });

  it.each([
    ['-t 3', { connections: 3 }],
    ['--threads=4', { connections: 4 }],
    ['-t 3 -n 5', { connections: 5 }],
    ['-n 5 -t 3', { connections: 3 }],
    ['--chunk-size 64K', { pieceSize: 65536 }],
    ['-d 2', { connectIntervalMs: 2000 }],
    ['--start-delay 2', { connectIntervalMs: 2000 }],
    ['-n auto', { connections: 'auto' }],
  ])('knows other names: %s', (args, values) => {
    expect(parse(`${args} f host:`).put).toMatchObject(values);
  });

  it('takes names with a dash after --, and bytes that are not UTF-8', () => {
    expect(parse('-n 2 -- -f \udcff host:\udcfe').put).toMatchObject({
      sources: [Buffer.from('-f'), Buffer.of(0xff)],
      destination: Buffer.of(0xfe),
    });
  });

  it('prefers the port of the address', () => {
    expect(parse('-P 22 f sftp://h:23/').put.ssh.port).toBe(23);
  });

  it.each([
    ['', 'Nothing to copy'],
    ['host:', 'Only a destination'],
    ['f host', "The destination 'host' names no server", 'write host: with the colon'],
    ['f ./dir/x', 'names no server', 'Write [USER@]HOST:[PATH]'],
    ['h:f ./x', 'names no server', 'mtput copies to a server'],
    ['-p 2222 f host:', "there is no file '2222'", '-P 2222'],
    ['-p 2222 host:', "there is no file '2222'", '-P 2222'],
    ['-n big.iso host:', "-n takes a number of connections, not 'big.iso'", 'auto or a whole number'],
    ['-n 0 f host:', '-n takes a number of connections'],
    ['--threads 2000 f host:', '--threads takes a number of connections'],
    ['-l 800 f host:', "no option '-l'", '--limit 10M'],
    ['--conections 3 f host:', "no option '--conections'", '--connections'],
    ['-s 5M f host:', '-s 5M is not a power of two', '4M or 8M'],
    ['--limit 10 f host:', 'has no unit', '10M'],
    ['--verify crc f host:', "--verify has no value 'crc'", 'auto, hash, read-back, size, none'],
    ['-a crc32 f host:', "-a has no value 'crc32'", 'auto, sha256, sha512, sha1, md5'],
    ['--digest-provider me f host:', "--digest-provider has no value 'me'", 'check-file, helper, shell, none'],
    ['-P', '-P takes a value'],
    ['-q -v f host:', 'contradict'],
    ['--pin-host-key SHA256:short f host:', 'takes a fingerprint'],
    ['--links all f host:', "--links has no value 'all'", 'follow, copy, skip'],
    ['--force --checksum f host:', '--force and --checksum contradict each other', 'Leave one of them out'],
    ['--ignore-existing --force f host:', '--force and --ignore-existing contradict each other'],
    ['--include= f host:', '--include takes a value, not nothing'],
    ['--files-from= f host:', '--files-from takes a value, not nothing'],
    ['--files-from l a b host:', '--files-from takes one source'],
    ['--exclude-from x f host:', "no option '--exclude-from'", '--exclude'],
    ['--recursive f host:', "no option '--recursive'", 'without an option'],
    ['--json=yes f host:', "no option '--json=yes'"],
    ...['--report x', '--bind 1.2.3.4'].map((option) => [`${option} f host:`, `no option '${option.split(' ')[0]}'`]),
  ])('%j is a usage error: %s', (args, message, advice?: string) => {
    expect(() => parse(args)).toThrow(usage(message!, advice));
  });

  it('refuses an empty source', () => {
    expect(() => parseArguments(['', 'host:'], {}, '1')).toThrow(usage('A source is empty'));
  });

  it.each(['--help', '-h', '--version', '-V'])('%s wins over what is missing', (option) => {
    expect(parseArguments([option], {}, '1.2.3')).toMatchObject({ kind: 'print' });
  });
});

describe('which files are copied', () => {
  it('keeps the order of --include and --exclude', () => {
    const { put } = parse('--include *.txt --exclude a/ --include=/b --exclude \udcff f host:');
    expect(put.filters).toEqual([
      { action: 'include', pattern: '*.txt' },
      { action: 'exclude', pattern: 'a/' },
      { action: 'include', pattern: '/b' },
      { action: 'exclude', pattern: '\udcff' },
    ]);
  });

  it('names a list of paths, and leaves reading it to the run', () => {
    const { put, filesFrom } = parse('--files-from list f host:');
    expect(filesFrom).toBe('list');
    expect(put).not.toHaveProperty('filesFrom');
    expect(parse('--files-from - f host:').filesFrom).toBe('-');
    expect(parseArguments(['--files-from', 'l', 'host:a', '.'], {}, '1', 'mtget')).toMatchObject({ filesFrom: 'l' });
  });

  it('knows what counts as up to date, and what becomes of links', () => {
    expect(parse('--links skip --checksum --ignore-existing f host:').put).toMatchObject({
      links: 'skip',
      checksum: true,
      ignoreExisting: true,
      force: false,
    });
    expect(parse('--force f host:').put).toMatchObject({ links: 'follow', checksum: false, force: true });
  });

  it('prefers what is typed to what contradicts it in the environment', () => {
    const environment = { MT_COPY_FORCE: '1', MT_COPY_LINKS: 'copy' };
    expect(parse('f host:', environment).put).toMatchObject({ force: true, links: 'copy' });
    expect(parse('--checksum f host:', environment).put).toMatchObject({ force: false, checksum: true });
    expect(parse('--force f host:', { MT_COPY_CHECKSUM: '1', MT_COPY_IGNORE_EXISTING: '1' }).put).toMatchObject({
      force: true,
      checksum: false,
      ignoreExisting: false,
    });
    expect(() => parse('f host:', { ...environment, MT_COPY_CHECKSUM: '1' })).toThrow(usage('contradict'));
  });

  it('is not set by the environment', () => {
    const { put, warnings } = parse('f host:', { MT_COPY_EXCLUDE: 'x' });
    expect(put.filters).toEqual([]);
    expect(warnings).toEqual(['MT_COPY_EXCLUDE is set, but names no option; it is ignored.']);
  });
});

describe('the environment', () => {
  it('sets options', () => {
    const { put, output } = parse('f host:', {
      MT_COPY_CONNECTIONS: '7',
      MT_COPY_LIMIT: '1M',
      MT_COPY_PORT: '2222',
      MT_COPY_INPLACE: 'yes',
      MT_COPY_NO_PRESERVE: '1',
      MT_COPY_DRY_RUN: '0',
      MT_COPY_VERBOSE: '2',
      MT_COPY_RETRY_FOR: '',
    });
    expect(put).toMatchObject({
      connections: 7,
      limitBytesPerSecond: 1048576,
      inplace: true,
      preserve: false,
      dryRun: false,
      retryForMs: 900_000,
    });
    expect(put.ssh.port).toBe(2222);
    expect(output.verbose).toBe(2);
  });

  it('is beaten by options, by whatever name they are given', () => {
    expect(parse('-t 3 f host:', { MT_COPY_CONNECTIONS: 'bad' }).put.connections).toBe(3);
    expect(parse('--limit none f host:', { MT_COPY_LIMIT: '1M' }).put).not.toHaveProperty('limitBytesPerSecond');
    expect(parse('-v f host:', { MT_COPY_VERBOSE: '2' }).output.verbose).toBe(1);
    expect(parse('-q f host:', { MT_COPY_VERBOSE: '2' }).output).toMatchObject({ quiet: true, verbose: 0 });
    expect(parse('-v f host:', { MT_COPY_QUIET: '1' }).output).toMatchObject({ quiet: false, verbose: 1 });
  });

  it.each([
    [{ MT_COPY_CONNECTIONS: 'many' }, 'MT_COPY_CONNECTIONS takes'],
    [{ MT_COPY_PIECE_SIZE: '5M' }, 'MT_COPY_PIECE_SIZE 5M'],
    [{ MT_COPY_JSON: 'perhaps' }, 'MT_COPY_JSON is neither on nor off'],
    [{ MT_COPY_VERBOSE: '3' }, 'MT_COPY_VERBOSE is neither on nor off'],
  ])('%j is a usage error that names the variable', (environment, message) => {
    expect(() => parse('f host:', environment as Environment)).toThrow(usage(message));
  });

  it('cannot weaken host keys, and says what it ignores', () => {
    const { put, warnings } = parse('f host:', {
      MT_COPY_PIN_HOST_KEY: 'x',
      MT_COPY_PASSWORD: 's',
      MT_COPY_PASSPHRASE: 's',
    });
    expect(put.ssh.pinnedHostKeys).toEqual([]);
    expect(warnings).toEqual(['MT_COPY_PIN_HOST_KEY is set, but names no option; it is ignored.']);
  });
});

describe('--install-helper', () => {
  const words = (args: string, environment: Environment = {}) =>
    parseArguments(args.split(' ').filter(Boolean), environment, '1.2.3');

  it.each([
    ['--install-helper host', { host: 'host' }],
    ['--install-helper host:', { host: 'host' }],
    ['host: --install-helper', { host: 'host' }],
    ['--install-helper -P 2222 u@host', { host: 'host', user: 'u', port: 2222 }],
    ['--install-helper sftp://u@host:24/', { host: 'host', user: 'u', port: 24 }],
    ['--install-helper sftp://host', { host: 'host' }],
    ['--install-helper [::1]', { host: '::1' }],
    ['--install-helper u@[::1]:', { host: '::1', user: 'u' }],
  ])('%s', (args, ssh) => {
    expect(words(args)).toMatchObject({ kind: 'install-helper', ssh, dryRun: false, batch: false, warnings: [] });
  });

  it('takes what says how to connect and how it is shown', () => {
    expect(words('--install-helper -B -i k --dry-run -q -o A=b h')).toMatchObject({
      ssh: { identityFiles: ['k'], options: ['A=b'], batch: true },
      dryRun: true,
      batch: true,
      output: { quiet: true },
    });
  });

  it.each([
    ['--install-helper', 'takes a server'],
    ['--install-helper f host:', 'takes one server and no sources'],
    ['--install-helper host1 host2', 'takes one server and no sources'],
    ['--install-helper host:x', 'takes no path'],
    ['--install-helper host:.', 'takes no path'],
    ['--install-helper a/b', 'names no server'],
    ['--install-helper=yes host', '--install-helper'],
    ['--install-helper -- -oProxyCommand=x', "begins with '-'"],
  ])('%s is a usage error', (args, message) => {
    expect(() => words(args)).toThrow(usage(message));
  });

  it('is no matter of the environment', () => {
    const { warnings } = parse('f host:', { MT_COPY_INSTALL_HELPER: '1' });
    expect(warnings).toEqual(['MT_COPY_INSTALL_HELPER is set, but names no option; it is ignored.']);
  });
});

describe('mtget', () => {
  const parse = (...args: string[]) => parseArguments(args, {}, '1', 'mtget');

  it('takes sources of one server, and a local destination', () => {
    expect(parse('-n', '3', 'me@host:a', 'me@host:/b', 'to/')).toMatchObject({
      kind: 'get',
      program: 'mtget',
      get: {
        sources: [Buffer.from('a'), Buffer.from('/b')],
        destination: Buffer.from('to/'),
        connections: 3,
        ssh: { host: 'host', user: 'me' },
      },
    });
  });

  it.each([
    ['nothing', [], 'Nothing to copy was given'],
    ['only a source', ['host:a'], 'Only a source was given'],
    ['a local source', ['a', 'b'], "The source 'a' names no server"],
    ['sources of two servers', ['one:a', 'two:b', '.'], 'The sources are on different servers'],
    ['an empty destination', ['host:a', ''], 'The destination is empty'],
    ['what only mtput has', ['--install-helper', 'host'], "There is no option '--install-helper'"],
  ])('refuses %s', (_, args, message) => {
    expect(() => parse(...args)).toThrow(usage(message));
  });

  it('names itself in its help', () => {
    expect(parse('--help')).toMatchObject({
      text: expect.stringContaining('mtget [options] [USER@]HOST:PATH... DEST'),
    });
  });
});
