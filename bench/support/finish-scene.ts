import { benchEnvironment } from './environment.ts';
import { writeResults } from './results.ts';
import type { RivalName } from './rivals.ts';
import { type Run, rowsOf } from './rows.ts';
import { say } from './say.ts';
import type { SceneFacts, SceneResults } from './scene-results.ts';
import { plainSheet, type Sheet } from './sheet.ts';

export interface MeasuredScene {
  readonly items: readonly { readonly name: string; readonly label: string; readonly rival?: RivalName }[];
  readonly facts: SceneFacts;
  readonly runs: readonly Run[];
  /** Of programs that took part beside those of every scene. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Whether it is all of the scene, and may be kept. */
  readonly complete: boolean;
}

/** Prints what a scene has measured, and keeps it. */
export async function finishScene(sheet: Sheet, scene: MeasuredScene): Promise<void> {
  const { items, facts, runs, complete } = scene;
  const rivals = items.map(({ rival }) => rival).filter((name) => name !== undefined);
  const { versions, ...environment } = await benchEnvironment(rivals);
  const rows = rowsOf(items, runs);
  const results: SceneResults = {
    scene: sheet.scene,
    ...environment,
    versions: { ...versions, ...scene.versions },
    ...facts,
    median: Object.fromEntries(rows.map(({ name, ...medians }) => [name, medians])),
    runs,
  };
  process.stdout.write(`\n${plainSheet(sheet, results)}\n`);
  if (complete) say(`Written: ${await writeResults(sheet.scene, results)}`);
  else say('Some were left out: no results are written.');
}
