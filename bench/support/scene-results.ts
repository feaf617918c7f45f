import type { BenchEnvironment } from './environment.ts';
import { type Row, type Run, rowsOf } from './rows.ts';

/** What a scene was like, beside what ran in it. */
export interface SceneFacts {
  readonly bytes?: number;
  /** Of a tree. */
  readonly files?: number;
  readonly directories?: number;
  /** Of these bytes, what the other side did not have at first. */
  readonly missingBytes?: number;
  readonly connections?: number;
  readonly bytesPerSecondPerConnection?: number;
  readonly roundTripMs?: number;
  readonly limitSeconds?: number;
  readonly cipher?: string;
  readonly landsIn?: 'memory' | 'disk';
  /** Through the same line, before anything else; `ofNominal`: rate ÷ rate of the line, where it has one. */
  readonly plainSockets?: { readonly seconds: number; readonly ofNominal?: number };
}

/** bench/results/SCENE.json. The tables are made from `runs`; `median` is what they say, in their order. */
export interface SceneResults extends BenchEnvironment, SceneFacts {
  readonly scene: string;
  readonly median: Readonly<Record<string, { readonly label?: string }>>;
  readonly runs: readonly Run[];
}

export function rowsFrom({ median, runs }: SceneResults): Row[] {
  const items = Object.entries(median).map(([name, { label }]) => ({ name, label: label ?? name }));
  return rowsOf(items, runs);
}
