// The suite's authorization server scenarios against our server as its own issuer, under every revision:
// node authorization.mjs SERVER SUITE OUTPUT
//
// The suite is an OAuth client that prints the authorization URL and waits; a browser without a window signs alice
// in and allows. It is registered as any MCP client is: as a public one. (With a secret it would still send none to
// a server that knows the method `none`.)
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Browser } from '../interop/vendors/browser.mjs';
import { freePort } from '../interop/vendors/port.mjs';
import { broken, having, read } from './results.mjs';

const [program, suite, output] = process.argv.slice(2);
const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
/** The scenarios of each revision, and the checks in each: the suite must not leave one out. */
const SCENARIOS = {
  'authorization-server-metadata-endpoint': ['authorization-server-metadata', 'authorization-server-metadata-cimd'],
  'authorization-code-grant': ['authorization-code-grant'],
};
/** The one check that came with a revision, 2025-11-25. */
const LATER = 'authorization-server-metadata-cimd';
const PATIENCE = 30_000; // milliseconds, for anything

const folder = mkdtempSync(join(tmpdir(), 'issuer-'));
const port = await freePort();
const issuer = `http://localhost:${port}`;
const resource = `${issuer}/mcp`;
const env = { JWT_ISSUER: issuer, MCP_RESOURCE: resource };
const run = (...args) => execFileSync(program, args, { cwd: folder, env, encoding: 'utf8', timeout: PATIENCE });
run('init');
const server = spawn(program, ['--bind', `127.0.0.1:${port}`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
const end = (code) => {
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
};
process.once('SIGTERM', () => end(1));
let log = '';
server.stderr.on('data', (data) => (log += data));
for await (const line of createInterface({ input: server.stdout })) {
  if (/^MCP server on /.test(line)) break;
}
server.stdout.resume();

const person = new Browser({ secret: () => JSON.parse(run('users', 'code', 'alice', '--output', 'json')).code });

/** The id of a new client. */
async function register(callback) {
  const body = {
    client_name: 'Conformance suite',
    redirect_uris: [`http://127.0.0.1:${callback}/callback`],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${issuer}/register`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`no client: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).client_id;
}

/** Runs the suite, and signs alice in when it asks. */
async function examine(revision, into) {
  const callback = await freePort();
  const id = await register(callback);
  const args = ['authorization', '--url', issuer, '--client-id', id, '--resource', resource];
  const more = ['--port', callback, '--spec-version', revision, '--output-dir', into];
  const child = spawn(process.execPath, [join(suite, 'dist/index.js'), ...args, ...more], {
    env: { PATH: process.env.PATH, HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  createInterface({ input: child.stdout }).on('line', (line) => {
    said += `${line}\n`;
    if (line.startsWith(`${issuer}/authorize?`)) person.visit(line).catch((error) => (said += error.stack));
  });
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(kill);
  return said;
}

let [passed, failed] = [0, 0];
try {
  for (const revision of REVISIONS) {
    const into = join(output, revision);
    const said = await examine(revision, into);
    const found = read(into);
    for (const [name, ids] of Object.entries(SCENARIOS)) {
      const checks = found.get(`authorization-server-${name}`) ?? [];
      const wanted = ids.filter((id) => id !== LATER || revision >= '2025-11-25');
      const good = having(checks, 'SUCCESS').map(({ id }) => id);
      if (broken(checks).length === 0 && wanted.every((id) => good.includes(id))) {
        passed += 1;
        continue;
      }
      failed += 1;
      console.log(`FAILED  authorization server ${revision}: ${name}`);
      for (const check of checks) console.log(`          ${check.id}: ${check.status} ${check.errorMessage ?? ''}`);
      if (checks.length === 0) console.log(said.replace(/^/gm, '          '));
    }
    if (found.size !== Object.keys(SCENARIOS).length) {
      failed += 1;
      console.log(`FAILED  authorization server ${revision}: ${[...found.keys()]} were run`);
    }
  }
} catch (error) {
  failed += 1;
  console.log(`FAILED  ${error.stack}\n${log}`);
}
console.log(`${'conformance, authorization server'.padEnd(44)} ${String(passed).padStart(5)} passed, ${failed} failed, 0 skipped`);
end(failed === 0 ? 0 : 1);
