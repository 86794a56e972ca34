// Other vendors' servers behind `server gateway`, with other vendors' clients.
//
// The servers and their configuration are those of docs/gateway-servers.md, all in one gateway, and two of FastMCP
// that can do more. The differential test: the scripts of scripts.mjs, directly and through the gateway, with the
// same results.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';

import * as v2 from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

import { PATIENCE, Place, freePort } from './harness.mjs';
import { recipes, runners, words } from './recipes.mjs';
import { SERVERS, script, steady } from './scripts.mjs';

const AT_ONCE = 3; // servers, on two cores
const RECIPES = recipes();

let place, srv, web, pages, environment, gateway, port;
const servers = {}; // by name: `{ command, url, environment }`, as the gateway starts or reaches each
const started = [];

/** The first line that a program prints. */
async function line(program, args, env) {
  const child = spawn(program, args, { env, cwd: place.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  let log = '';
  child.stderr.on('data', (data) => (log += data));
  const timer = setTimeout(kill, 2 * PATIENCE);
  let first;
  for await (first of createInterface({ input: child.stdout })) break;
  clearTimeout(timer);
  child.stdout.resume();
  assert.ok(first, `${program} did not start: ${log}`);
  return { first, child, log: () => log };
}

/** What a browser or a fetcher finds. */
function answerPage({ url }, response) {
  const found = {
    '/': ['text/html', '<!doctype html><html><head><title>Hello</title></head><body><h1>Hello</h1><p>A page with <a href="/next">a link</a>.</p></body></html>'],
    '/next': ['text/html', '<!doctype html><title>Next</title><p>Next page</p>'],
    '/data.json': ['application/json', '{"a":[1,2,3]}'],
    '/long': ['text/html', `<html><body><p>${'word '.repeat(3000)}</p></body></html>`],
    '/private': ['text/plain', 'private'],
    '/robots.txt': ['text/plain', 'User-agent: *\nDisallow: /private\n'],
  }[url];
  response.writeHead(found ? 200 : 404, { 'content-type': found?.[0] ?? 'text/plain' }).end(found?.[1] ?? 'none');
}

/** The files of a server, as they are before its script. */
const RESET = {
  files() {
    rmSync(join(srv, 'files'), { recursive: true, force: true });
    mkdirSync(join(srv, 'files/sub'), { recursive: true });
    writeFileSync(join(srv, 'files/notes.txt'), 'first\nsecond\nthird €\n');
    writeFileSync(join(srv, 'files/sub/data.json'), '{"a":1}');
    writeFileSync(join(srv, 'files/dot.png'), Buffer.from('iVBORw0KGgo=', 'base64'));
  },
  memory: () => rmSync(join(srv, 'memory.jsonl'), { force: true }),
  database: () => rmSync(join(srv, 'notes.db'), { force: true }),
  git() {
    const repo = join(srv, 'repo');
    rmSync(repo, { recursive: true, force: true });
    mkdirSync(repo, { recursive: true });
    writeFileSync(join(repo, 'README'), 'one\n');
    const run = (...args) => execFileSync('git', ['-C', repo, ...args], { env: environment, stdio: 'pipe' });
    run('init', '--quiet', '--initial-branch=main');
    run('add', '.');
    run('commit', '--quiet', '--message', 'First');
    writeFileSync(join(repo, 'README'), 'one\ntwo\n');
  },
};

/** One of our programs, in the place. */
const run = (program, args, settings = environment, input = '') => place.run(program, args, settings, input);

before(async () => {
  pages = createServer(answerPage).listen(0, '127.0.0.1');
  await new Promise((resolve) => pages.once('listening', resolve));
  web = `http://127.0.0.1:${pages.address().port}`;
  port = await freePort();
  place = new Place({ MCP_RESOURCE: `http://localhost:${port}/mcp`, JWT_ISSUER: `http://localhost:${port}` });
  srv = join(place.folder, 'srv');
  const bin = join(place.folder, 'bin');
  const person = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com', GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
  environment = {
    ...place.settings, ...person, PATH: `${bin}:${process.env.PATH}`, HOME: place.folder, TMPDIR: place.folder,
    LC_ALL: 'C.UTF-8', TZ: 'UTC', MEMORY_FILE_PATH: join(srv, 'memory.jsonl'),
  };
  const browser = process.env.CHROMIUM;
  runners(bin, {
    // Chromium's own sandbox needs a user other than root.
    '@playwright/mcp': { environment: `PLAYWRIGHT_MCP_EXECUTABLE_PATH="${browser}"`, args: '--no-sandbox' },
    // The pages are on loopback. Where it finds Node.js it installs packages by npm at its first page.
    'mcp-server-fetch': { environment: 'PATH=/nowhere', args: '--allow-private-ips' },
  });
  for (const name of SERVERS) mkdirSync(join(srv, 'roots', name), { recursive: true });
  for (const reset of Object.values(RESET)) reset();

  const python = (file, ...args) => line(process.env.PYTHON, [file, ...args], environment);
  const behind = new URL('fastmcp_behind.py', import.meta.url).pathname;
  const sections = [];
  for (const { name, section, command, url, environment: named } of RECIPES) {
    const here = (text) => text.replaceAll('/srv', srv);
    servers[name] = { command: command?.map(here), url, environment: named };
    sections.push(here(section));
  }
  const notes = RECIPES.find(({ program }) => program);
  const free = await freePort();
  writeFileSync(join(place.folder, 'notes.py'), notes.program.replace('9000', free));
  const starting = line(process.env.PYTHON, ['-c', 'import runpy; print("ready", flush=True); runpy.run_path("notes.py", run_name="__main__")'], environment);
  const [stateful, stateless] = await Promise.all([python(behind), python(behind, 'stateless'), starting]);
  servers.notes.url = servers.notes.url.replace('9000', free);
  sections.splice(0, sections.length, ...sections.map((section) => section.replace('127.0.0.1:9000', `127.0.0.1:${free}`)));
  for (const [name, { first }] of Object.entries({ stateful, stateless })) {
    servers[name] = { url: first, environment: [] };
    sections.push(`[upstreams.${name}]\nurl = "${first}"\n`);
  }
  // What is compared includes what servers ask of clients.
  sections.splice(0, sections.length, ...sections.map((section) => section.replace(/^(\[upstreams\.\w+\])$/m, '$1\nroots = true')));
  // Each run has processes of its own.
  sections.push('[gateway]\nmax_servers_per_user = 64\n');
  writeFileSync(join(place.folder, 'bartizan.toml'), sections.join('\n'));
  await answers(servers.notes.url);
  run('server', ['config', 'check']);
  await inParallel(Object.keys(servers), async (name) => {
    const child = spawn(join(process.env.BINARIES, 'server'), ['upstreams', 'accept', name], { cwd: place.folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (data) => (log += data));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0, `${name} was not accepted: ${log}`);
  });
  gateway = await line(join(process.env.BINARIES, 'server'), ['--bind', `127.0.0.1:${port}`, 'gateway'], environment);
  assert.match(gateway.first, /^MCP server \w+ on http:/);
});

after(() => {
  for (const child of started) child.kill('SIGTERM');
  pages?.close();
  return Promise.all(started.map((child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('close', resolve)))).then(() => place?.remove());
});

/** Waits until something answers at an address. */
async function answers(url) {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url, { signal: AbortSignal.timeout(PATIENCE) }).then((answer) => answer.body?.cancel());
    } catch (error) {
      if (tries === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Does `work` for each, a few at a time. */
async function inParallel(all, work) {
  const waiting = [...all];
  const worker = async () => {
    for (let next; (next = waiting.shift()); ) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const resource = (name) => `http://localhost:${port}/mcp/${name}`;

/** A token of alice, who has all scopes: for one server, through one client. */
const token = (name, scopes = `${name}:read ${name}:write`, client = 'vendors') =>
  run('mint-token', ['--aud', resource(name), '--scope', scopes, '--client-id', client]);

// The two SDKs, the same to scripts.
const OLD = {
  isOld: true,
  make: (info, options) => new Client(info, options),
  stdio: (parameters) => new StdioClientTransport(parameters),
  http: (url, options) => new StreamableHTTPClientTransport(url, options),
  handle: (client, method, answer) => client.setRequestHandler(SCHEMAS[method], answer),
  call: (client, params, options) => client.callTool(params, undefined, options),
};
const NEW = {
  make: (info, options) => new v2.Client(info, options),
  stdio: (parameters) => new NewStdio(parameters),
  http: (url, options) => new v2.StreamableHTTPClientTransport(url, options),
  handle: (client, method, answer) => client.setRequestHandler(method, answer),
  call: (client, params, options) => client.callTool(params, options),
};
const SCHEMAS = {
  'sampling/createMessage': types.CreateMessageRequestSchema,
  'elicitation/create': types.ElicitRequestSchema,
  'roots/list': types.ListRootsRequestSchema,
};
const PINNED = { versionNegotiation: { mode: { pin: '2026-07-28' } } };
const LEGACY = { supportedProtocolVersions: ['2025-11-25'] };

/** What the server said of an error: where the HTTP status is one, an SDK shows the body in its message. */
function said({ code, message, data }) {
  const body = /^[^{]*HTTP|^[^{]*endpoint: \{/.test(message) && /\{.*\}/s.exec(message)?.[0];
  const error = body && JSON.parse(body).error;
  return error ? { code: error.code, message: error.message } : { code, message, data };
}

/** A client that is connected by `transport`, and what it was asked. */
class Asked {
  constructor(sdk, transport, options, root) {
    const capabilities = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };
    this.sdk = sdk;
    this.transport = transport;
    this.client = sdk.make({ name: 'vendors', version: '1' }, { ...options, capabilities });
    this.asked = [];
    const content = { type: 'text', text: 'a model speaks' };
    const person = { name: 'Ada', length: 3, interpretation: 'technical' };
    const answers = {
      'sampling/createMessage': { role: 'assistant', model: 'm', content },
      'elicitation/create': { action: 'accept', content: person },
      'roots/list': { roots: [{ uri: `file://${srv}/${root}`, name: root }] },
    };
    for (const [method, answer] of Object.entries(answers))
      sdk.handle(this.client, method, ({ params }) => {
        // Servers ask for the roots by themselves too, some time after the handshake.
        if (method !== 'roots/list') this.asked.push({ method, params });
        return answer;
      });
  }

  call(name, args, options = {}) {
    return this.sdk.call(this.client, { name, arguments: args }, { timeout: PATIENCE, ...options });
  }

  async stepwise(name, args) {
    const steps = [];
    const result = await this.call(name, args, { onprogress: (progress) => steps.push(progress) });
    // The last one may come with the result, and the SDK then drops it.
    return { result, steps: steps.slice(0, args.steps - 1) };
  }

  /** A call as a task of 2025-11-25. */
  async task(name, args) {
    const messages = [];
    const params = { name, arguments: args };
    const options = { task: { ttl: 60_000 }, timeout: PATIENCE };
    const stream = this.client.experimental.tasks.callToolStream(params, types.CallToolResultSchema, options);
    for await (const { type, result, error } of stream) messages.push(result ?? error?.message ?? type);
    return messages.filter((message, at) => message !== messages[at - 1]);
  }

  /** The result of each step, by its label. */
  async results(steps) {
    const found = {};
    await this.client.connect(this.transport, { timeout: PATIENCE });
    try {
      for (const { label, run } of steps) {
        this.asked.length = 0;
        const result = await Promise.resolve(run(this)).then(
          (value) => ({ value }),
          (error) => ({ error: said(error) }),
        );
        const again = Object.keys(found).filter((it) => it.replace(/ #\d+$/, '') === label).length;
        found[again ? `${label} #${again + 1}` : label] = steady({ ...result, asked: [...this.asked] });
      }
    } finally {
      await this.client.close();
    }
    return found;
  }
}

/** Servers write into the roots of a client, so each has another one. */
const rootOf = (name) => (name === 'files' ? 'files' : `roots/${name}`);

/** The results of a server's script without us. */
async function direct(name, sdk, options) {
  RESET[name]?.();
  const { command, url, environment: named } = servers[name];
  const passed = ['PATH', 'HOME', 'TMPDIR', 'LC_ALL', 'TZ', ...named];
  const env = Object.fromEntries(passed.map((key) => [key, environment[key]]));
  const [program, ...args] = command ?? [];
  const transport = url
    ? sdk.http(new URL(url))
    : sdk.stdio({ command: program, args, env, cwd: place.folder, stderr: 'ignore' });
  return new Asked(sdk, transport, options, rootOf(name)).results(script(name, { srv, web }));
}

/** Its results through the gateway. */
async function guarded(name, sdk, options, client) {
  RESET[name]?.();
  const headers = { Authorization: `Bearer ${token(name, undefined, client)}` };
  // A question that a server asks by itself after its start would belong to the one call in flight, where the
  // client has no session.
  if (client.includes('-to-')) {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': { name: 'first', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': {} };
    const first = await fetch(resource(name), {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/list' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    });
    assert.equal(first.status, 200, await first.text());
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  const transport = sdk.http(new URL(resource(name)), { requestInit: { headers } });
  return new Asked(sdk, transport, options, rootOf(name)).results(script(name, { srv, web }));
}

const REFUSED = /no rule permits this action/;
/**
 * What differs by design where the client speaks 2026-07-28 and the server 2025-11-25: members that one of them
 * does not have.
 */
const ONE_REVISION = [
  'resultType', 'ttlMs', 'cacheScope', // results of 2026-07-28
  'io.modelcontextprotocol/serverInfo', // `_meta` of a result of 2026-07-28
  'execution', 'tasks', 'extensions', // tasks: of 2025-11-25, and an extension
  'elicitationId', // 2025-11-25
];
function common(value) {
  if (Array.isArray(value)) return value.map(common);
  if (!value || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([name]) => !ONE_REVISION.includes(name));
  const kept = members.map(([name, of]) => [name, common(of)]);
  return Object.fromEntries(kept.filter(([name, of]) => name !== '_meta' || Object.keys(of).length));
}

/** The steps that are refused by design. */
const refusals = (name, sdk) => {
  const steps = script(name, { srv, web }).filter(({ refused, isOld }) => refused && (sdk.isOld || !isOld));
  return new Set(steps.map(({ label }) => label));
};

// Who speaks what: directly, and through the gateway. The servers on npm are of 2025-11-25, and the gateway
// translates; those on PyPI speak both.
const BOTH = ['time', 'git', 'fetch', 'notes', 'stateful', 'stateless'];
const RUNS = {
  '2025-11-25': { direct: [OLD, {}], guarded: [OLD, {}], names: SERVERS },
  '2026-07-28': { direct: [NEW, PINNED], guarded: [NEW, PINNED], names: BOTH },
  '2026-07-28 to 2025-11-25': {
    direct: [NEW, LEGACY], guarded: [NEW, PINNED], names: SERVERS.filter((name) => !BOTH.includes(name)),
  },
};

for (const [title, { direct: without, guarded: through, names }] of Object.entries(RUNS))
  describe(`${title}: the same directly and through the gateway`, { concurrency: AT_ONCE }, () => {
    for (const name of names)
      test(name, async () => {
        const seen = title.includes(' to ') ? common : (value) => value;
        const expected = seen(await direct(name, ...without));
        const found = seen(await guarded(name, ...through, title.replaceAll(' ', '-')));
        assert.deepEqual(Object.keys(found), Object.keys(expected));
        // All that differs at once, so that one run shows it.
        const refused = refusals(name, through[0]);
        const differing = Object.keys(expected).filter((label) =>
          refused.has(label)
            ? !REFUSED.test(JSON.stringify(found[label]))
            : !isDeepStrictEqual(found[label], expected[label]),
        );
        const these = (all) => Object.fromEntries(differing.map((label) => [label, all[label]]));
        assert.deepEqual(these(found), these(expected));
      });
  });

test('the scripts have at least 200 steps', () => {
  const steps = SERVERS.flatMap((name) => script(name, { srv, web }));
  assert.ok(steps.length >= 200, `${steps.length}`);
});

/** The rules for tools in the policy that was suggested for a server. */
function rules(name) {
  const [, tools] = readFileSync(join(place.folder, `${name}.policy.toml`), 'utf8').split(/^\[tools\]$/m);
  const lines = tools.split(/^\[/m)[0].split('\n').map((line) => /^"?([\w-]+)"? = "(\S+)"/.exec(line)).filter(Boolean);
  return lines.map(([, tool, scope]) => ({ tool, scope }));
}

/** The answer to one plain request, without an SDK. */
async function post(name, method, params, bearer) {
  const answer = await fetch(resource(name), {
    method: 'POST',
    headers: {
      ...(bearer && { Authorization: `Bearer ${bearer}` }),
      Accept: 'application/json, text/event-stream',
      'Content-Type': 'application/json',
      'MCP-Protocol-Version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(PATIENCE),
  });
  await answer.body?.cancel();
  return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '' };
}

test('without a token each server is refused', async () => {
  for (const name of SERVERS) {
    const clientInfo = { name: 'vendors', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    for (const [method, given] of [['initialize', params], ['tools/list', {}]]) {
      const { status, challenge } = await post(name, method, given);
      assert.equal(status, 401, `${name}: ${method}`);
      assert.match(challenge, new RegExp(`/\\.well-known/oauth-protected-resource/mcp/${name}"`));
    }
    const another = token(name === 'time' ? 'git' : 'time', `${name}:read ${name}:write`);
    assert.equal((await post(name, 'tools/list', {}, another)).status, 401, `${name}: a token for another server`);
  }
});

test('who may only read is refused each tool that writes', async () => {
  const without = [];
  for (const name of SERVERS) {
    const reader = token(name, `${name}:read`);
    const writing = rules(name).filter(({ scope }) => scope === `${name}:write`);
    if (!writing.length) without.push(name);
    for (const { tool } of writing) {
      const { status, challenge } = await post(name, 'tools/call', { name: tool, arguments: {} }, reader);
      assert.equal(status, 403, `${name}: ${tool}`);
      assert.match(challenge, /error="insufficient_scope"/);
      assert.match(challenge, new RegExp(`scope="[^"]*\\b${name}:write`));
    }
  }
  assert.deepEqual(without.sort(), ['fetch', 'thinking', 'time']);
});

describe('the recipes', { concurrency: AT_ONCE }, () => {
  for (const { name, rules: said, commands } of RECIPES)
    test(name, async () => {
      const suggested = rules(name).map(({ tool, scope }) => `${tool} = "${scope}"`);
      for (const line of said) assert.ok(suggested.includes(line), `${line}: ${suggested.join('\n')}`);
      const [accepting, calling, ...more] = commands;
      assert.deepEqual(more, []);
      assert.equal(accepting, `bartizan-server upstreams accept ${name}`);
      const [program, flag, url, ...rest] = words(calling);
      assert.deepEqual([program, flag, url], ['bartizan', '--url', `http://localhost:8000/mcp/${name}`]);
      const args = rest.map((word) => word.replace('/srv', srv).replace('https://example.com', web));
      RESET[name]?.();
      const env = { ...environment, MCP_TOKEN: token(name) };
      // Not synchronously: the pages are of this process.
      const done = promisify(execFile)(join(process.env.BINARIES, 'client'), [flag, resource(name), ...args], {
        cwd: place.folder, env, timeout: 2 * PATIENCE,
      });
      assert.ok((await done).stdout.trim());
    });
});

test('each server has a recipe', () => {
  const named = RECIPES.map(({ name }) => name);
  const own = ['stateful', 'stateless'];
  assert.deepEqual([...named, ...own].sort(), [...SERVERS].sort());
});
