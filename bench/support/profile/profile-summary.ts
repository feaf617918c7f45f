import { type CpuProfile, selfTimes } from './cpu-profile.ts';
import type { ModuleNames } from './module-names.ts';
import { GROUPS, type Group, groupOf } from './profile-groups.ts';

export interface FunctionTime {
  readonly name: string;
  /** The module it is in; for native code the one that called it. */
  readonly module: string;
  readonly group: Group;
  /** In the function itself, over all threads. */
  readonly seconds: number;
}

export interface ProfileSummary {
  readonly threads: number;
  /** In the order of GROUPS; those without time are left out. */
  readonly groups: readonly { readonly group: Group; readonly seconds: number }[];
  /** The longest first, idling left out. */
  readonly functions: readonly FunctionTime[];
}

const MOST_FUNCTIONS = 15;

function functionTimes(profiles: readonly CpuProfile[], names: ModuleNames): FunctionTime[] {
  const times = new Map<string, FunctionTime>();
  for (const { frame, callerUrl, callerLine, seconds } of profiles.flatMap(selfTimes)) {
    const module = names.of(frame.url, frame.lineNumber);
    const callerModule = names.of(callerUrl, callerLine);
    const group = groupOf({ functionName: frame.functionName, module, callerModule });
    const name = `${frame.functionName || '(anonymous)'}${module === '' && callerModule !== '' ? ' (native)' : ''}`;
    const where = module || callerModule;
    const key = `${name}\n${where}\n${group}`;
    times.set(key, { name, module: where, group, seconds: (times.get(key)?.seconds ?? 0) + seconds });
  }
  return [...times.values()].sort((a, b) => b.seconds - a.seconds);
}

/** Of one profile for each thread. */
export function summarize(profiles: readonly CpuProfile[], names: ModuleNames): ProfileSummary {
  const times = functionTimes(profiles, names);
  const groups = GROUPS.map((group) => ({
    group,
    seconds: times.filter((time) => time.group === group).reduce((sum, { seconds }) => sum + seconds, 0),
  }));
  return {
    threads: profiles.length,
    groups: groups.filter(({ seconds }) => seconds > 0),
    functions: times.filter(({ group }) => group !== 'idle').slice(0, MOST_FUNCTIONS),
  };
}
