// `client bridge` between other vendors' clients, over stdio, and other vendors' servers or ours, over HTTP.
//
// The differential test: one script of features at server-everything, directly over stdio and through the
// bridge, with the same results.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import * as v2 from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

import { PATIENCE, Place, serve } from './harness.mjs';

const HERE = import.meta.dirname;
const EVERYTHING = join(HERE, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const bridge = (url, env = {}) => ({
  command: join(process.env.BINARIES, 'client'),
  args: ['bridge', url],
  env: { HOME: home, ...env },
  stderr: 'inherit',
});

let everything, url, home;
before(async () => {
  home = mkdtempSync(join(tmpdir(), 'bridge-'));
  const args = ['--import', join(HERE, 'loopback.mjs'), EVERYTHING, 'streamableHttp'];
  everything = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: everything.stdout })) {
    url = /^listening on (http:\S+)/.exec(line)?.[1];
    if (url) break;
  }
  everything.stdout.resume();
  url += '/mcp';
});
after(() => {
  everything?.kill('SIGKILL');
  rmSync(home, { recursive: true });
});

/** A client of 2025-11-25 that can be asked everything. */
async function connected(parameters) {
  const elicitation = { form: {}, url: {} };
  const capabilities = { sampling: {}, elicitation, roots: { listChanged: true } };
  const client = new Client({ name: 'vendors', version: '1' }, { capabilities });
  const asked = [];
  const answers = (schema, answer) =>
    client.setRequestHandler(schema, (request) => {
      asked.push(request);
      return answer;
    });
  const content = { type: 'text', text: 'a model speaks' };
  answers(types.CreateMessageRequestSchema, { role: 'assistant', model: 'm', content });
  answers(types.ElicitRequestSchema, { action: 'accept', content: { name: 'Ada', interpretation: 'technical' } });
  answers(types.ListRootsRequestSchema, { roots: [{ uri: 'file:///r', name: 'r' }] });
  await client.connect(new StdioClientTransport(parameters), { timeout: PATIENCE });
  return { client, asked };
}

/** What is different each time. */
const steady = (value) =>
  JSON.parse(
    JSON.stringify(value ?? null)
      .replace(/\d{1,2}:\d\d:\d\d( [AP]M)?/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
      .replace('session undefined', 'session ID')
      .replace(/[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'),
  );

/** All features, by name. */
async function features({ client, asked }) {
  const found = {};
  const note = async (name, work) => {
    // It asks for the roots by itself, some time after the handshake.
    const questions = () => asked.filter(({ method }) => method !== 'roots/list');
    const before = questions().length;
    try {
      found[name] = steady(await work());
    } catch (error) {
      found[name] = { error: error.code ?? error.name, message: steady(error.message) };
    }
    const since = questions().slice(before);
    if (since.length) found[`${name}: asked`] = steady(since.map(({ method, params }) => ({ method, params })));
  };
  const call = (name, args = {}, schema, options) => client.callTool({ name, arguments: args }, schema, options);
  const changes = [];
  for (const schema of [types.LoggingMessageNotificationSchema, types.ToolListChangedNotificationSchema, types.ResourceUpdatedNotificationSchema])
    client.setNotificationHandler(schema, (notification) => void changes.push(notification.method));

  await note('server', () => client.getServerVersion());
  await note('capabilities', () => client.getServerCapabilities());
  await note('instructions', () => client.getInstructions());
  await note('ping', () => client.ping());
  await note('tools', () => client.listTools());
  await note('echo', () => call('echo', { message: 'héllo \u2028 \u0000' }));
  await note('sum', () => call('get-sum', { a: 1.5, b: 2 }));
  await note('wrong arguments', () => call('get-sum', { a: 'x' }));
  await note('no such tool', () => call('nothing'));
  await note('structured', () => call('get-structured-content', { location: 'Chicago' }));
  await note('image', () => call('get-tiny-image'));
  await note('annotated', () => call('get-annotated-message', { messageType: 'error', includeImage: true }));
  await note('links', () => call('get-resource-links', { count: 3 }));
  await note('reference', () => call('get-resource-reference', { resourceType: 'Text', resourceId: 1 }));
  await note('progress', async () => {
    const steps = [];
    const result = await call('trigger-long-running-operation', { duration: 1, steps: 5 }, undefined, {
      onprogress: (progress) => steps.push(progress),
    });
    // The last one may come with the result, and the SDK then drops it.
    return { result, steps: steps.slice(0, 4) };
  });
  await note('sampling', () => call('trigger-sampling-request', { prompt: 'p', maxTokens: 9 }));
  await note('elicitation', () => call('trigger-elicitation-request'));
  await note('url elicitation', () => call('trigger-url-elicitation', { url: 'https://example.com/' }));
  await note('roots', () => call('get-roots-list'));
  await note('prompts', () => client.listPrompts());
  await note('prompt', () => client.getPrompt({ name: 'simple-prompt' }));
  await note('prompt with arguments', () => client.getPrompt({ name: 'args-prompt', arguments: { city: 'Ulm' } }));
  await note('no such prompt', () => client.getPrompt({ name: 'nothing' }));
  await note('completion', () =>
    client.complete({ ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } }),
  );
  await note('resources', () => client.listResources());
  await note('templates', () => client.listResourceTemplates());
  await note('read', () => client.readResource({ uri: 'demo://resource/dynamic/text/1' }));
  await note('read bytes', async () => {
    const { contents } = await client.readResource({ uri: 'demo://resource/dynamic/blob/1' });
    return contents.map(({ blob, ...rest }) => ({ ...rest, text: Buffer.from(blob, 'base64').toString() }));
  });
  await note('no such resource', () => client.readResource({ uri: 'demo://nothing' }));
  await note('subscribe', () => client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' }));
  await note('unsubscribe', () => client.unsubscribeResource({ uri: 'demo://resource/dynamic/text/1' }));
  await note('level', () => client.setLoggingLevel('debug'));
  await note('no such method', () => client.request({ method: 'no/such' }, types.EmptyResultSchema));
  await note('cancellation', async () => {
    const abort = new AbortController();
    const work = call('trigger-long-running-operation', { duration: 20, steps: 2 }, undefined, { signal: abort.signal });
    setTimeout(() => abort.abort('enough'), 100);
    return work;
  });
  await note('task', async () => {
    const messages = [];
    const stream = client.experimental.tasks.callToolStream(
      { name: 'simulate-research-query', arguments: { topic: 't', ambiguous: true } },
      types.CallToolResultSchema,
      { task: { ttl: 60_000 } },
    );
    for await (const message of stream) messages.push(message.type === 'result' ? message.result : message.type);
    return messages.filter((message, at) => message !== messages[at - 1]);
  });
  await note('twenty at once', () => Promise.all(Array.from({ length: 20 }, (_, n) => call('get-sum', { a: n, b: n }))));
  await note('the list changes', async () => {
    await client.sendRootsListChanged();
    return call('toggle-simulated-logging');
  });
  for (let wait = 0; wait < 100 && !changes.includes('notifications/message'); wait++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  found['roots: asked'] = asked.some(({ method }) => method === 'roots/list');
  found.logged = changes.includes('notifications/message');
  return found;
}

test('server-everything is the same through the bridge as directly', async () => {
  const direct = await connected({ command: process.execPath, args: [EVERYTHING, 'stdio'], env: {}, stderr: 'ignore' });
  const expected = await features(direct).finally(() => direct.client.close());
  const bridged = await connected(bridge(url));
  const found = await features(bridged).finally(() => bridged.client.close());
  assert.ok(Object.keys(expected).length >= 35, Object.keys(expected).join());
  for (const name of Object.keys(expected)) assert.deepEqual(found[name], expected[name], name);
  assert.deepEqual(Object.keys(found), Object.keys(expected));
});

describe('our server through the bridge', () => {
  let place, server, token;
  before(async () => {
    place = new Place();
    server = await serve(place);
    token = place.mint();
  });
  after(async () => {
    await server?.stop();
    place?.remove();
  });

  for (const [name, options, revision] of [
    ['negotiating', { versionNegotiation: { mode: 'auto' } }, '2026-07-28'],
    ['pinned', { versionNegotiation: { mode: { pin: '2026-07-28' } } }, '2026-07-28'],
    ['by default', {}, '2025-11-25'],
  ])
    test(`the TypeScript client 2, ${name}`, async () => {
      const client = new v2.Client({ name: 'vendors', version: '1' }, options);
      await client.connect(new NewStdio(bridge(server.url, { MCP_TOKEN: token })), { timeout: PATIENCE });
      assert.equal(client.getNegotiatedProtocolVersion(), revision);
      const { tools } = await client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'get_time'));
      const answer = await client.callTool({ name: 'get_time' });
      assert.match(answer.content[0].text, /\d/);
      await client.close();
    });

  for (const version of ['PYTHON', 'PYTHON_MCP1'])
    test(`the Python SDK: ${version}`, async () => {
      const program = [
        'import asyncio, os, sys',
        'from mcp import ClientSession, StdioServerParameters',
        'from mcp.client.stdio import stdio_client',
        'async def main(command, url):',
        '    server = StdioServerParameters(command=command, args=["bridge", url], env=dict(os.environ))',
        '    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:',
        '        await session.initialize()',
        '        names = [tool.name for tool in (await session.list_tools()).tools]',
        '        answer = await session.call_tool("get_time", {})',
        '        print("get_time" in names, answer.content[0].type)',
        'asyncio.run(main(*sys.argv[1:]))',
      ].join('\n');
      const args = ['-c', program, join(process.env.BINARIES, 'client'), server.url];
      const env = { HOME: home, MCP_TOKEN: token };
      const { stdout } = await promisify(execFile)(process.env[version], args, { env, timeout: 4 * PATIENCE });
      assert.equal(stdout.trim(), 'True text');
    });
});
