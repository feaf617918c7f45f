/** The longest delay of a timer in milliseconds, a little less than 25 days. A longer one would end at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;
