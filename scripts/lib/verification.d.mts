/** What became of one test or suite; `test` is empty for a file that did not load and for an error outside of any test. */
export interface TestCase {
  readonly file: string;
  readonly test: string;
  readonly reason: string;
}

export interface FileResults {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
}

/** What a run of the tests has shown. */
export interface Results {
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: readonly FileResults[];
  readonly failures: readonly TestCase[];
  readonly skips: readonly TestCase[];
  /** What tests have measured, see test/support/figures.ts. */
  readonly figures: readonly {
    readonly file: string;
    readonly test: string;
    readonly figures: Readonly<Record<string, string | number>>;
  }[];
}

export function writeVerification(results: Results): void;

/** `versions`: a line for each program. */
export function verificationText(results: Results, versions: readonly string[]): string;
