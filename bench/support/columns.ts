import type { Row } from './rows.ts';

/** A figure of each row. */
export interface Column {
  readonly head: string;
  readonly cell: (row: Row) => string;
}

const UNKNOWN = '-';
const GIB = 2 ** 30;
const MIB = 2 ** 20;

function column(head: string, digits: number, value: (row: Row) => number | undefined): Column {
  return { head, cell: (row) => value(row)?.toFixed(digits) ?? UNKNOWN };
}

function quotient(value: number | undefined, divisor: number | undefined): number | undefined {
  return value === undefined || divisor === undefined ? undefined : value / divisor;
}

export const label: Column = { head: '', cell: (row) => row.label };
export const runs: Column = column('runs', 0, (row) => row.runs);
export const milliseconds: Column = column('ms', 0, ({ seconds }) => seconds * 1000);
export const cpuSeconds: Column = column('CPU s', 1, (row) => row.cpuSeconds);
export const cpuMilliseconds: Column = column('CPU ms', 0, ({ cpuSeconds: used }) => (used ?? Number.NaN) * 1000);
export const maxRssMiB: Column = column('MiB', 0, (row) => row.maxRssMiB);
export const ofLimit: Column = column('time ÷ limit', 2, (row) => row.ratio);
export const sentMiB: Column = column('sent MiB', 1, ({ bytesSent }) => quotient(bytesSent, MIB));
/** Millions of bytes, as the bar counts them. */
export const memoryMb: Column = column('MB', 1, megabytes);

export function seconds(digits: number): Column {
  return { head: 'seconds', cell: (row) => `${row.isCutOff ? '> ' : ''}${row.seconds.toFixed(digits)}` };
}

export function rate(bytes: number): Column {
  return column('MB/s', 2, (row) => bytes / row.seconds / 1e6);
}

export function filesPerSecond(files: number): Column {
  return column('files/s', 0, (row) => (row.isCutOff ? undefined : files / row.seconds));
}

export function millisecondsPerFile(files: number): Column {
  return column('ms/file', 2, (row) => (1000 * row.seconds) / files);
}

export function cpuPerGib(bytes: number): Column {
  return column('CPU s/GiB', 2, (row) => cpuSecondsPerGib(row, bytes));
}

/** What is known of a quotient of which a part was cut off. */
function boundOf(row: Row, other: Row | undefined): string {
  if (other === undefined || row === other || row.isCutOff === other.isCutOff) return '';
  return row.isCutOff ? '> ' : '< ';
}

/** Time ÷ the time of another row. */
export function timesOf(name: string, rows: readonly Row[]): Column {
  const other = rows.find((row) => row.name === name);
  const { head, cell } = column(`÷ ${other?.label ?? name}`, 2, (row) => timeRatio(row, other));
  return { head, cell: (row) => `${boundOf(row, other)}${cell(row)}` };
}

/** A figure that is divided by another. */
export function quotients(head: string, value: (row: Row) => number | undefined): Column {
  return column(head, 2, value);
}

export function timeRatio(row: Row | undefined, other: Row | undefined): number | undefined {
  return quotient(row?.seconds, other?.seconds);
}

export function cpuRatio(row: Row | undefined, other: Row | undefined): number | undefined {
  return quotient(row?.cpuSeconds, other?.cpuSeconds);
}

export function cpuSecondsPerGib(row: Row | undefined, bytes: number): number | undefined {
  return quotient(row?.cpuSeconds, bytes / GIB);
}

export function megabytes(row: Row | undefined): number | undefined {
  return row?.maxRssMiB === undefined ? undefined : (row.maxRssMiB * MIB) / 1e6;
}
