import { DIRECTIONS } from './direction.ts';
import type { BenchEnvironment } from './environment.ts';
import { GROUPS } from './profile/profile-groups.ts';
import { functionCells, groupCells, type NamedProfile, type ProfileResults } from './profile/profile-tables.ts';
import type { SceneResults } from './scene-results.ts';
import { type Sheet, show } from './sheet.ts';
import { againSheet } from './sheets/again.ts';
import { bulkSheet } from './sheets/bulk.ts';
import { changingSheet } from './sheets/changing.ts';
import { cutsSheet } from './sheets/cuts.ts';
import { deltaSheet } from './sheets/delta.ts';
import { engineSheet } from './sheets/engine.ts';
import { fsyncSheet } from './sheets/fsync.ts';
import { longSheet } from './sheets/long.ts';
import { memorySheet } from './sheets/memory.ts';
import { resumeSheet } from './sheets/resume.ts';
import { mib } from './sheets/sentences.ts';
import { shapedSheet, shapedWaysSheet } from './sheets/shaped.ts';
import { slowSheet } from './sheets/slow.ts';
import { smallSheet } from './sheets/small.ts';
import { startSheet } from './sheets/start.ts';
import { throttledSheet } from './sheets/throttled.ts';
import { treeSheet } from './sheets/tree.ts';
import { verifySheet } from './sheets/verify.ts';
import { markdownTable } from './table.ts';

/** Parsed results files, by the name of the file without its extension. */
export type ResultsByName = Readonly<Record<string, unknown>>;

const SHEETS: readonly Sheet[] = [
  ...DIRECTIONS.map(shapedSheet),
  shapedWaysSheet,
  ...DIRECTIONS.map(changingSheet),
  ...DIRECTIONS.map(bulkSheet),
  verifySheet,
  resumeSheet,
  cutsSheet,
  deltaSheet,
  ...DIRECTIONS.map(longSheet),
  ...DIRECTIONS.map(memorySheet),
  ...DIRECTIONS.map(smallSheet),
  ...DIRECTIONS.map(treeSheet),
  againSheet,
  fsyncSheet,
  engineSheet,
  startSheet,
  slowSheet,
  throttledSheet,
];

/** Results files of profiles, what they are called in the table, and what makes them. */
const PROFILES = [
  { file: 'profile', name: 'now', scene: 'profile' },
  { file: 'profile-before', name: 'before', scene: 'profile --as before' },
  { file: 'profile-after', name: 'after', scene: 'profile --as after' },
] as const;

interface ReportedProfile extends NamedProfile {
  readonly scene: string;
}

const WIDTH = 120;

const INTRODUCTION =
  'Made by `npm run bench -- report` from the files in `bench/results`, which the other benches write. The figures are ' +
  'medians over the runs of a tool. Each file that arrived was compared with its source by sha256. Processor time and ' +
  'memory are those of the client.';

/** Lines of text, with `indent` before all but the first. */
function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length < WIDTH) line = line === '' ? word : `${line} ${word}`;
    else {
      lines.push(line);
      line = `${indent}${word}`;
    }
  }
  return [...lines, line];
}

function where({ date, node, platform, processors, processor, versions }: BenchEnvironment): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date.slice(0, 16).replace('T', ' ')} UTC`,
    `${processors} × ${processor}`,
    platform,
    `Node ${node}`,
    ...programs,
  ].join(' · ');
}

function command(scene: string): string {
  return `\`npm run bench -- ${scene}\``;
}

function sceneSection(sheet: Sheet, results: SceneResults): string[] {
  const { head, rows, bars } = show(sheet, results);
  return [
    '',
    `## ${sheet.title}`,
    '',
    ...wrapped(sheet.measured(results)),
    '',
    ...wrapped(`${command(sheet.scene)} · ${where(results)}`),
    '',
    markdownTable(head, rows),
    ...(bars.length > 0 ? [''] : []),
    ...bars.flatMap((bar) => wrapped(`- ${bar}`, '  ')),
  ];
}

function functionsSection({ name, results }: NamedProfile): string[] {
  const { head, rows } = functionCells(results);
  return ['', `### Functions, ${name}`, '', markdownTable(head, rows)];
}

function profileSection(profiles: readonly ReportedProfile[]): string[] {
  const [first] = profiles;
  if (first === undefined) return [];
  const { bytes, cipher, connections } = first.results;
  const { head, rows } = groupCells(GROUPS, profiles);
  return [
    '',
    '## What the processor does',
    '',
    ...wrapped(
      `The upload of ${mib(bytes)} over loopback with ${cipher} and ${connections} connections, as in the scene bulk, ` +
        'sampled by `node --cpu-prof`: the time spent in functions themselves, over all threads that run JavaScript. ' +
        'Native code counts for who called it, and with what it waits for. Work of the thread pool is not seen.',
    ),
    '',
    ...profiles.flatMap(({ name, scene, results }) => {
      const total = results.cpuSeconds === undefined ? '' : `, ${results.cpuSeconds.toFixed(2)} s of processor in all`;
      const took = `${results.seconds.toFixed(2)} s${total}`;
      return wrapped(`- ${name}: ${command(scene)} · ${took} · ${where(results)}`, '  ');
    }),
    '',
    markdownTable(head, rows),
    ...profiles.flatMap(functionsSection),
  ];
}

/** docs/BENCHMARKS.md: the same text for the same results. */
export function reportText(results: ResultsByName): string {
  const scenes = SHEETS.filter(({ scene }) => results[scene] !== undefined);
  const profiles = PROFILES.filter(({ file }) => results[file] !== undefined).map(({ file, name, scene }) => {
    return { name, scene, results: results[file] as ProfileResults };
  });
  const lines = [
    '# Benchmarks',
    '',
    ...wrapped(INTRODUCTION),
    ...scenes.flatMap((sheet) => sceneSection(sheet, results[sheet.scene] as SceneResults)),
    ...profileSection(profiles),
  ];
  return `${lines.join('\n')}\n`;
}
