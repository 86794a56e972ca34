// A port for a server whose address must be known before it listens.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections and to listeners on port 0: none of those takes it. */
const [FIRST, END] = [15_000, 30_000];

/** A port of the loopback address that nobody listens on. */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(FIRST, END);
    const isFree = await new Promise((resolve) => {
      const listener = createServer().once('error', () => resolve(false));
      listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error('no free port');
}
