// The proxy as a process of its own, so that its clock does not wait for the program it measures.
import type { ProxyReply, ProxyRequest } from './proxy-messages.ts';
import type { Directions, ProxyOptions, Shape, Which } from './shaping.ts';
import { ShapingProxy } from './shaping-proxy.ts';

let proxy: ShapingProxy | undefined;

async function answer({ call, args }: ProxyRequest): Promise<unknown> {
  if (call === 'start') {
    proxy = new ShapingProxy(args[0] as ProxyOptions);
    return proxy.listen();
  }
  if (proxy === undefined) throw new Error('The proxy was not started');
  switch (call) {
    case 'stats':
      return proxy.stats();
    case 'reset':
      return proxy.reset(args[0] as Which);
    case 'resetEvery':
      return proxy.resetEvery(args[0] as number);
    case 'stall':
      return proxy.stall(args[0] as Which, args[1] as keyof Directions | undefined);
    case 'resume':
      return proxy.resume(args[0] as Which);
    case 'reshape':
      return proxy.reshape(args[0] as Which, args[1] as Shape);
  }
}

process.on('message', (request: ProxyRequest) => {
  const { id } = request;
  answer(request)
    .then((result): ProxyReply => ({ id, result }))
    .catch((error): ProxyReply => ({ id, error: String(error) }))
    .then((reply) => process.send?.(reply));
});
// The parent is gone, by whatever way: nobody else would end this process.
process.on('disconnect', () => process.exit(0));
// Ctrl-C on a terminal reaches this process too; it lives until its parent has done with it.
process.on('SIGINT', () => {});
