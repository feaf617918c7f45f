import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../../src/cli/command.ts';
import { defaultValues } from '../../../src/cli/option-values.ts';
import { namesOf, optionRows } from '../../../src/cli/options.ts';

const columns = [
  'long',
  'short',
  'aliases',
  'argument',
  'default',
  'environment',
  'group',
  'help',
  'apply',
  'repeats',
  'programs',
];
const rows = optionRows.map((row) => [namesOf(row)[0]!, row] as const);

describe('the table of options', () => {
  it.each(rows)('%s has every column', (_name, row) => {
    expect(Object.keys(row).sort()).toEqual([...columns].sort());
    expect(row.help).not.toBe('');
    expect(namesOf(row).every((name) => /^(-[A-Za-z0-9]|--[a-z]+(-[a-z]+)*)$/.test(name))).toBe(true);
  });

  it('has no name twice', () => {
    const names = [...optionRows.flatMap(namesOf), '-h', '--help', '-V', '--version'];
    expect(new Set(names).size).toBe(names.length);
    const variables = optionRows.map((row) => row.environment).filter((name) => name !== null);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('has exactly the options that are promised', () => {
    expect(optionRows.flatMap(namesOf).sort()).toEqual(
      (
        '-n --connections -t --threads -s --piece-size --chunk-size --in-flight -u --max-startups -I --connect-interval ' +
        '-d --start-delay --verify -a --algo --digest-provider --inplace -r -p --no-preserve --no-resume --include --exclude --files-from --links --checksum --force --ignore-existing --limit -P -i -o -F -J -G --ssh --ssh-command --allow-match-exec -c -C -4 -6 -B --batch --pin-host-key --install-helper ' +
        '--connect-timeout --stall-timeout --retry-for --dry-run -q --quiet -v --verbose --json --progress --color'
      )
        .split(' ')
        .sort(),
    );
  });

  it.each(rows.filter(([, row]) => row.default !== null))(
    '%s takes the default it shows, which changes nothing',
    (name, row) => {
      const changes = row.apply(row.default!, name, defaultValues());
      expect(Object.keys(changes)).toHaveLength(1);
      expect(defaultValues()).toMatchObject(changes);
    },
  );

  it('keeps what weakens host keys or runs commands out of the environment', () => {
    const closed = optionRows.filter((row) => row.environment === null).map((row) => namesOf(row)[0]);
    expect(closed.sort()).toEqual([
      '--allow-match-exec',
      '--exclude',
      '--files-from',
      '--include',
      '--install-helper',
      '--pin-host-key',
      '--ssh-command',
      '-F',
      '-G',
      '-J',
      '-c',
      '-i',
      '-o',
      '-p',
      '-r',
    ]);
  });

  it('names each variable after its option', () => {
    for (const row of optionRows) {
      if (row.long === null || row.environment === null) continue;
      expect(row.environment).toBe(`MT_COPY_${row.long.slice(2).toUpperCase().replaceAll('-', '_')}`);
    }
  });

  it('is what --help prints', () => {
    const outcome = readCommandLine(['--help'], '1.2.3');
    const help = 'print' in outcome ? outcome.print : '';
    for (const row of optionRows) {
      for (const name of namesOf(row)) expect(help).toMatch(new RegExp(`^ .*${name}(?![a-z-])`, 'm'));
      expect(help.replace(/\s+/g, ' ')).toContain(row.help);
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
