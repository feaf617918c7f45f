/** The options of trees for tests that are about something else: every file is copied, whatever is at its target. */
import type { TreeOptions } from '../../src/engine/transfer/plan-trees.ts';
import { Filters } from '../../src/engine/tree/filters.ts';

export const COPY_ALL: TreeOptions = {
  filters: new Filters([]),
  links: 'follow',
  only: undefined,
  isDryRun: false,
  checksum: false,
  force: true,
  ignoreExisting: false,
  preserve: true,
};
