// What docs/clients.md prints for clients that send a token in a header, done as it is printed with those that run
// here: mcporter, mcpc, the Inspector's command line, mcp-remote and Codex.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { PATIENCE, serveIssuer } from './harness.mjs';

const run = promisify(execFile);
const PRINTED = 'https://mcp.example/mcp';
// What a package runner would download is installed.
const INSTALLED = [
  ['npx @apify/mcpc', 'mcpc'],
  ['npx @modelcontextprotocol/inspector', 'mcp-inspector'],
  ['npx mcporter', 'mcporter'],
];
const page = readFileSync(join(process.env.DOCS, 'clients.md'), 'utf8');

let server, env;
before(async () => {
  server = await serveIssuer();
  const PATH = [join(process.env.PACKAGES, '.bin'), dirname(process.env.NODE), process.env.PATH].join(delimiter);
  env = { PATH, HOME: server.place.folder, MCP_TOKEN: server.place.mint([], server.place.settings) };
});
after(() => server?.stop());

/** The blocks of a client's section that are in this language, with our server in place of the printed one. */
function blocks(client, language) {
  const section = page.split(/^## /m).find((it) => it.split('\n')[0].endsWith(`(\`${client}\`)`));
  const found = section.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'));
  return [...found].map(([, text]) => text.replaceAll(PRINTED, server.url));
}

/** The one that has the token. */
function withToken(client, language) {
  return blocks(client, language).find((it) => /Bearer|MCP_TOKEN/.test(it));
}

/** What a script prints, given that it succeeds. */
async function sh(script) {
  const local = INSTALLED.reduce((text, [from, to]) => text.replaceAll(from, to), script);
  const options = { cwd: server.place.folder, env, timeout: PATIENCE };
  const { stdout, stderr } = await run('bash', ['-euc', local], options);
  return stdout + stderr;
}

describe('a token in a header, as docs/clients.md prints it', () => {
  test('mcporter', async () => {
    mkdirSync(join(server.place.folder, 'config'));
    writeFileSync(join(server.place.folder, 'config/mcporter.json'), withToken('mcporter', 'json'));
    assert.match(await sh(blocks('mcporter', 'sh')[0]), /get_time/);
  });

  test('mcpc', async () => {
    await sh(withToken('mcpc', 'sh'));
    try {
      assert.match(await sh('mcpc @bartizan tools-list'), /get_time/);
    } finally {
      await sh('mcpc @bartizan close');
    }
  });

  test('the Inspector', async () => {
    assert.match(await sh(withToken('inspector', 'sh')), /get_time/);
  });

  test('mcp-remote', async () => {
    const { command, args, env: more } = JSON.parse(withToken('mcp-remote', 'json')).mcpServers.bartizan;
    assert.deepEqual([command, ...args.slice(0, 2)], ['npx', '-y', 'mcp-remote']);
    const AUTH = more.AUTH.replace('TOKEN', env.MCP_TOKEN);
    const start = { command: 'mcp-remote', args: args.slice(2), env: { ...env, AUTH }, stderr: 'ignore' };
    const client = new Client({ name: 'vendors', version: '1' });
    await client.connect(new StdioClientTransport(start), { timeout: PATIENCE });
    try {
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map((tool) => tool.name), ['get_time', 'whoami']);
    } finally {
      await client.close();
    }
  });

  test('Codex stores it', async () => {
    await sh(withToken('codex', 'sh'));
    assert.match(await sh('codex mcp list'), /MCP_TOKEN +enabled +Bearer token/);
  });
});
