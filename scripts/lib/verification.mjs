// Turns the results of the full tier into docs/VERIFICATION.md: what was shown, when, with which versions.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { grouped } from './grouped.mjs';
import { root } from './root.mjs';

/** Lines of a section. All sections with their titles are shorter than 150 lines. */
const LINES_A_SECTION = 30;
/** Characters of the reason for a failure. */
const REASON_LENGTH = 200;

/** @param {import('./verification.mjs').Results} results */
export function writeVerification(results) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs/VERIFICATION.md'), verificationText(results, programVersions()));
}

/**
 * @param {import('./verification.mjs').Results} results
 * @param {readonly string[]} versions a line for each program
 */
export function verificationText(results, versions) {
  const { startedAtMs, durationMs, passed, failed, skipped, files, failures, skips, figures } = results;
  const lines = [
    '# Verification',
    '',
    'Written by `npm run test:full`.',
    '',
    `- Date: ${new Date(startedAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `- Result: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${files.length} files`,
    `- Time: ${minutes(durationMs)}`,
    ...versions.map((version) => `- ${version}`),
    ...section('Failed', failures.map(caseLine)),
    ...section('Skipped', skipLines(skips)),
    ...section('Figures', figureLines(figures)),
    ...section('Tests in each file', directoryLines(files)),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title, lines) {
  if (lines.length === 0) return [];
  const shown = lines.length > LINES_A_SECTION ? lines.slice(0, LINES_A_SECTION - 1) : lines;
  const rest = lines.length - shown.length;
  return ['', `## ${title}`, '', ...shown, ...(rest > 0 ? [`- and ${rest} more`] : [])];
}

function caseLine({ file, test, reason }) {
  const where = [file || 'outside of any test', test].filter((part) => part !== '').join(': ');
  return `- ${plain(where)}: ${plain(reason).slice(0, REASON_LENGTH)}`;
}

/** What several tests of a file measured under one name becomes one line, from the least to the most. */
function figureLines(figures) {
  const named = figures.flatMap(({ file, figures: measured }) =>
    Object.entries(measured).map(([name, value]) => ({ title: `${file}: ${name}`, value })),
  );
  return Array.from(
    grouped(named, ({ title }) => title),
    ([title, all]) => {
      const values = all.map(({ value }) => value);
      const isNumeric = values.every((value) => typeof value === 'number');
      const shown = isNumeric ? [...new Set([Math.min(...values), Math.max(...values)])] : [...new Set(values)];
      const text = shown.map((value) => (typeof value === 'number' ? rounded(value) : plain(value)));
      return `- ${plain(title)}: ${text.join(isNumeric ? ' to ' : ', ')}${all.length > 1 ? ` (${all.length} tests)` : ''}`;
    },
  );
}

/** Tests of one file that were skipped for one reason share a line. */
function skipLines(skips) {
  return Array.from(grouped(skips, ({ file, reason }) => `${file}\n${reason}`).values(), (all) => {
    const [{ file, reason }] = all;
    const names = all.map(({ test }) => test.replace(/ \[skipped: .*?\]/, '')).join('; ');
    return `- ${plain(file)}: ${plain(reason)} (${plain(names)})`;
  });
}

function directoryLines(files) {
  const sorted = files.toSorted((a, b) => (a.file < b.file ? -1 : 1));
  const directoryOf = (file) => file.slice(0, file.lastIndexOf('/'));
  return Array.from(
    grouped(sorted, ({ file }) => directoryOf(file)),
    ([directory, all]) => {
      const total = (key) => all.reduce((sum, one) => sum + one[key], 0);
      const counts = `${countsOf({ passed: total('passed'), failed: total('failed'), skipped: total('skipped') })}`;
      const names = all.map((one) => {
        const name = one.file.slice(directory.length + 1).replace(/\.test\.ts$/, '');
        return `${name} ${countsOf(one)}`;
      });
      return `- **${directory}**, ${counts} in ${minutes(total('durationMs'))}: ${names.join(', ')}`;
    },
  );
}

function countsOf({ passed, failed, skipped }) {
  const others = [failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`].filter(Boolean);
  return others.length === 0 ? `${passed}` : `${passed} (${others.join(', ')})`;
}

function rounded(value) {
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(3))}`;
}

function minutes(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** On one line, and with nothing that Markdown would take for markup. */
function plain(text) {
  return `${text}`
    .replace(/[\\*_<>[\]`]/g, '\\$&')
    .replace(/\s+/g, ' ')
    .trim();
}

function programVersions() {
  return [
    `Node ${process.version}, ${process.platform} ${process.arch} (${release()}), ${cpus().length} processors`,
    `OpenSSH: ${firstLine('ssh', ['-V'])}`,
    `proftpd: ${firstLine('/usr/sbin/proftpd', ['-v'])}`,
  ];
}

function firstLine(command, args) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return error ? 'not installed' : `${stdout}${stderr}`.trim().split('\n', 1)[0];
}
