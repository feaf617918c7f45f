/** Lets everything run that waits for nothing but promises. */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

/** Whether a promise settles without anything else happening. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await turns();
  return isSettled;
}
