// Our binaries, as the JavaScript suites use them: each in a folder of its own, with a cleared environment.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from './port.mjs';

export const ISSUER = 'http://localhost:8000';
export const RESOURCE = 'http://localhost:8000/mcp';
export const PATIENCE = 30_000; // milliseconds, for anything

process.once('SIGTERM', () => process.exit(1)); // so that servers are stopped first

const binary = (program) => join(process.env.BINARIES, program);

/** A folder with `.env` and users, as `server init` leaves it. */
export class Place {
  constructor(settings = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'place-'));
    this.envFile = join(this.folder, '.env');
    this.settings = settings;
    this.run('server', ['init']);
  }

  /** What the program prints, given that it succeeds. */
  run(program, args, settings = this.settings, input = '') {
    const options = { input, cwd: this.folder, env: settings, encoding: 'utf8', timeout: PATIENCE, stdio: 'pipe' };
    return execFileSync(binary(program), args, options).trim();
  }

  mint(args = [], settings = {}) {
    return this.run('mint-token', args, settings);
  }

  get secret() {
    return /^JWT_SECRET=(.*)$/m.exec(readFileSync(this.envFile, 'utf8'))[1];
  }

  /** As whoever wants JWT_KEY_FILE must: both together are refused. */
  dropSecret() {
    const text = readFileSync(this.envFile, 'utf8');
    writeFileSync(this.envFile, text.replace(/^JWT_SECRET=/m, '# JWT_SECRET='));
  }

  remove() {
    rmSync(this.folder, { recursive: true });
  }
}

/** Starts the server in a place: `{ url, log(), stop() }`. */
export async function serve(place, settings = {}, args = ['--bind', '127.0.0.1:0']) {
  const options = { cwd: place.folder, env: settings, stdio: ['ignore', 'pipe', 'pipe'] };
  const server = spawn(binary('server'), args, options);
  const ended = new Promise((resolve) => server.once('close', resolve));
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  ended.then(() => process.off('exit', kill));
  let log = '';
  server.stderr.on('data', (data) => (log += data));

  async function stop() {
    server.kill('SIGTERM');
    const waiting = new AbortController();
    const late = sleep(PATIENCE, 'late', { signal: waiting.signal }).catch(() => {});
    if ((await Promise.race([ended, late])) === 'late') {
      kill();
      await ended;
      throw new Error(`the server did not stop: ${log}`);
    }
    waiting.abort();
  }

  const timer = setTimeout(kill, PATIENCE);
  let line = '';
  for await (line of createInterface({ input: server.stdout })) break;
  clearTimeout(timer);
  server.stdout.resume();
  const url = /^MCP server on (https?:\/\/127\.0\.0\.1:\d+\/mcp), protected: /.exec(line)?.[1];
  if (!url) {
    await stop();
    throw new Error(`the server did not start: ${line} ${log}`);
  }
  return { url, log: () => log, stop };
}

export { freePort };

/** The server as its own issuer, in a place of its own, with nothing set but its address and `more`. */
export async function serveIssuer(more = {}) {
  const issuer = `http://localhost:${await freePort()}`;
  const url = `${issuer}/mcp`;
  const place = new Place({ JWT_ISSUER: issuer, MCP_RESOURCE: url, ...more });
  const server = await serve(place, place.settings, ['--bind', `127.0.0.1:${new URL(issuer).port}`]);
  const stop = async () => {
    await server.stop();
    place.remove();
  };
  /** A code with which alice signs in once, before the next one is made. */
  const code = () => JSON.parse(place.run('server', ['users', 'code', 'alice', '--output', 'json'])).code;
  return { ...server, url, issuer, place, stop, code };
}

/** The answer to one plain request for the tool, without an SDK: `{ status, challenge, text }`. */
export async function callTool(server, token) {
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      Accept: 'application/json, text/event-stream',
      'Content-Type': 'application/json',
      'MCP-Protocol-Version': '2025-06-18',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_time' } }),
    signal: AbortSignal.timeout(PATIENCE),
  });
  const challenge = answer.headers.get('www-authenticate') ?? '';
  return { status: answer.status, challenge, text: await answer.text() };
}
