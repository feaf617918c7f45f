/** The beginning of `mtput`. Scripts ask for the version, and often: that needs nothing of the rest. */
import { prepareForHangUp } from './hang-up.ts';
import { tolerateClosedStreams } from './streams.ts';
import { packageVersion } from './version.ts';

prepareForHangUp();
const [only, ...others] = process.argv.slice(2);
if (others.length === 0 && (only === '--version' || only === '-V')) {
  tolerateClosedStreams([process.stdout]);
  process.stdout.write(`${packageVersion()}\n`);
} else {
  await import('./program.ts');
}
