import { build } from './build-project.mjs';
import { main } from './main.mjs';

await main('The build failed', () => build({ dev: process.argv.includes('--dev') }));
