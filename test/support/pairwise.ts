/** For each factor its values. */
export type Factors<Row> = { readonly [K in keyof Row]: readonly Row[K][] };

/** For each factor, in how many rows a value is. */
type Used = readonly Map<unknown, number>[];

interface Pair {
  readonly first: number;
  readonly second: number;
  readonly a: unknown;
  readonly b: unknown;
}

/**
 * Few rows in which any two values of any two factors meet at least once, save in rows that are not `allowed`. Greedy,
 * and the same at each call: every row begins with a pair that is missing, and takes for each other factor the value
 * that adds most, or else has been used least.
 */
export function pairwise<Row extends object>(
  factors: Factors<Row>,
  allowed: (row: Row) => boolean = () => true,
): Row[] {
  const names = Object.keys(factors) as (keyof Row)[];
  const values = names.map((name) => factors[name] as readonly unknown[]);
  const missing = new Map<string, Pair>();
  for (const pair of allPairs(values)) missing.set(keyOf(values, pair), pair);
  const toRow = (cells: readonly unknown[]): Row => Object.fromEntries(names.map((name, i) => [name, cells[i]])) as Row;
  const used: Used = values.map(() => new Map());
  const rows: Row[] = [];
  for (const [key, pair] of missing) {
    missing.delete(key);
    const cells = complete(values, pair, missing, used, (candidate) => allowed(toRow(candidate)));
    // Nothing allowed holds this pair.
    if (cells === undefined) continue;
    for (const met of pairsOf(cells)) missing.delete(keyOf(values, met));
    for (const [factor, value] of cells.entries()) used[factor]!.set(value, uses(used, factor, value) + 1);
    rows.push(toRow(cells));
  }
  return rows;
}

/** All rows there are. */
export function combinations<Row extends object>(
  factors: Factors<Row>,
  allowed: (row: Row) => boolean = () => true,
): Row[] {
  let rows: Partial<Row>[] = [{}];
  for (const name of Object.keys(factors) as (keyof Row)[]) {
    rows = rows.flatMap((row) => factors[name].map((value) => ({ ...row, [name]: value })));
  }
  return (rows as Row[]).filter(allowed);
}

/** The row that holds `pair` and, of what is allowed, most of what is missing. */
function complete(
  values: readonly (readonly unknown[])[],
  pair: Pair,
  missing: ReadonlyMap<string, Pair>,
  used: Used,
  allowed: (cells: readonly unknown[]) => boolean,
): unknown[] | undefined {
  const cells: unknown[] = new Array(values.length);
  cells[pair.first] = pair.a;
  cells[pair.second] = pair.b;
  const fixed = [pair.first, pair.second];
  const open = values.map((_, factor) => factor).filter((factor) => !fixed.includes(factor));

  function descend(depth: number): boolean {
    const factor = open[depth];
    if (factor === undefined) return allowed(cells);
    const known = [...fixed, ...open.slice(0, depth)];
    const gain = (value: unknown): number =>
      known.filter((other) => missing.has(keyOf(values, { first: other, second: factor, a: cells[other], b: value })))
        .length;
    const best = [...values[factor]!].sort(
      (a, b) => gain(b) - gain(a) || uses(used, factor, a) - uses(used, factor, b),
    );
    for (const value of best) {
      cells[factor] = value;
      if (descend(depth + 1)) return true;
    }
    return false;
  }

  return descend(0) ? cells : undefined;
}

function uses(used: Used, factor: number, value: unknown): number {
  return used[factor]!.get(value) ?? 0;
}

function* allPairs(values: readonly (readonly unknown[])[]): IterableIterator<Pair> {
  for (let first = 0; first < values.length; first++) {
    for (let second = first + 1; second < values.length; second++) {
      for (const a of values[first]!) for (const b of values[second]!) yield { first, second, a, b };
    }
  }
}

function pairsOf(cells: readonly unknown[]): Iterable<Pair> {
  return allPairs(cells.map((cell) => [cell]));
}

function keyOf(values: readonly (readonly unknown[])[], { first, second, a, b }: Pair): string {
  const one = `${first}=${values[first]!.indexOf(a)}`;
  const other = `${second}=${values[second]!.indexOf(b)}`;
  return first < second ? `${one},${other}` : `${other},${one}`;
}
