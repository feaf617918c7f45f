// Turns vitest's results into docs/VERIFICATION.md: what was shown, when, with which versions.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './root.mjs';

function firstLine(command, args) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return error ? 'not installed' : `${stdout}${stderr}`.trim().split('\n', 1)[0];
}

function cell(text) {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function testRow(test) {
  const figures = Object.entries(test.meta?.figures ?? {}).map(([name, value]) => `${name}: ${value}`);
  const row = [test.fullName, test.status, seconds(test.duration ?? 0), figures.join('; ')];
  return `| ${row.map(cell).join(' | ')} |`;
}

function fileSection(file) {
  const name = relative(root, file.name).replaceAll('\\', '/');
  const head = ['| test | result | time | figures |', '|---|---|---|---|'];
  const failure = file.assertionResults.length === 0 && file.message ? [cell(file.message), ''] : [];
  return [`## ${name}`, '', ...failure, ...head, ...file.assertionResults.map(testRow), ''];
}

/** `totals`: see totals-reporter.mjs. */
export function writeVerification(resultsFile, totals) {
  const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
  const files = results.testResults.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = [
    '# Verification',
    '',
    'Written by `npm run test:full`.',
    '',
    `- Date: ${new Date(results.startTime).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `- Result: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`,
    `- Node ${process.version}, ${process.platform} ${process.arch} (${release()}), ${cpus().length} processors`,
    `- OpenSSH: ${firstLine('ssh', ['-V'])}`,
    `- proftpd: ${firstLine('/usr/sbin/proftpd', ['-v'])}`,
    '',
    ...files.flatMap(fileSection),
  ];
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs/VERIFICATION.md'), `${lines.join('\n').trimEnd()}\n`);
}
