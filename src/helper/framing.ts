/** What `mt-copy-tools-cs --serve` and its client say to each other. */
export { Lines } from './lines.ts';
