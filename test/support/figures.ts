import 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: Record<string, string | number>;
  }
}

/**
 * What a test measured, for docs/VERIFICATION.md: `recordFigure(task, 'time ÷ limit', 1.12)`, `task` from the test's
 * context.
 */
export function recordFigure(
  task: { meta: { figures?: Record<string, string | number> } },
  name: string,
  value: string | number,
): void {
  task.meta.figures = { ...task.meta.figures, [name]: value };
}
