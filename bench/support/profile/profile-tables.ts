import type { BenchEnvironment } from '../environment.ts';
import type { ProfileSummary } from './profile-summary.ts';

/** bench/results/profile*.json. */
export interface ProfileResults extends BenchEnvironment, ProfileSummary {
  readonly scene: 'profile';
  readonly bytes: number;
  readonly cipher: string;
  readonly connections: number;
  /** Of the whole process, which is slower for being looked at. */
  readonly seconds: number;
  readonly cpuSeconds?: number;
}

export interface NamedProfile {
  /** What tells it from another: before, after. */
  readonly name: string;
  readonly results: ProfileResults;
}

interface Cells {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function busySeconds({ groups }: ProfileSummary): number {
  return groups.filter(({ group }) => group !== 'idle').reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Seconds by group, profiles side by side. */
export function groupCells(order: readonly string[], profiles: readonly NamedProfile[]): Cells {
  const present = order.filter((group) =>
    profiles.some(({ results }) => results.groups.some((one) => one.group === group)),
  );
  const secondsOf = (group: string, { results }: NamedProfile): string =>
    results.groups.find((one) => one.group === group)?.seconds.toFixed(2) ?? '-';
  const all = ['all but idle', ...profiles.map(({ results }) => busySeconds(results).toFixed(2))];
  return {
    head: ['seconds of', ...profiles.map(({ name }) => name)],
    rows: [...present.map((group) => [group, ...profiles.map((profile) => secondsOf(group, profile))]), all],
  };
}

/** The functions that took longest. */
export function functionCells({ functions }: ProfileSummary): Cells {
  return {
    head: ['function', 'in', 'group', 'seconds'],
    rows: functions.map(({ name, module, group, seconds }) => [name, module, group, seconds.toFixed(2)]),
  };
}
