// npm run bench -- report: docs/BENCHMARKS.md, from what is in bench/results and nothing else.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repoRoot } from '../test/support/repo-root.ts';
import { benchMain } from './support/bench-main.ts';
import { reportText } from './support/report-text.ts';
import { readResults } from './support/results.ts';
import { say } from './support/say.ts';

const PATH = 'docs/BENCHMARKS.md';

await benchMain(async () => {
  const path = join(repoRoot, PATH);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, reportText(await readResults()));
  say(`Written: ${PATH}`);
});
