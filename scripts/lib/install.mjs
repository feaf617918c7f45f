import { main } from './main.mjs';
import { ensurePackages } from './npm-packages.mjs';
import { ensureServers } from './server-programs.mjs';

await main('The installation failed', async () => {
  await ensurePackages();
  await ensureServers();
});
