// The MCP Inspector's command line, as a process, against our server: what it prints and how it ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { PATIENCE, Place, RESOURCE, serve } from './harness.mjs';

const packages = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
const INSPECTOR = join(packages, '@modelcontextprotocol/inspector/clients/launcher/build/index.js');

// Its own exit codes.
const OK = 0;
const ERROR = 1;
const AUTH_REQUIRED = 3;
const NO_SUCH_TOOL = 5;

// What it calls the two generations of the protocol; what it asks first, and what it says about a 401.
const ERAS = {
  legacy: { first: 'initialize', anonymous: /needs a bearer token/, wrong: /"invalid_token"/ },
  modern: { first: 'server/discover', anonymous: /\(HTTP 401\)/, wrong: /\(HTTP 401\)/ },
};

let place, server;
before(async () => {
  place = new Place();
  server = await serve(place);
});
after(async () => {
  await server?.stop();
  place?.remove();
});

/** One run of the Inspector: how it ended, and what it printed, which is `{ result }` or `{ error }`. */
function inspect(era, token, method, ...more) {
  const header = token ? ['--header', `Authorization: Bearer ${token}`] : [];
  const request = ['--server-url', server.url, '--protocol-era', era, '--method', method, ...more];
  // Never asks for a login in a browser; prints JSON and nothing else.
  const quietly = ['--stored-auth-only', '--quiet', '--format', 'json'];
  const args = [INSPECTOR, '--cli', ...request, ...header, ...quietly];
  const options = { env: { HOME: place.folder, PATH: process.env.PATH }, timeout: PATIENCE };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (failure, stdout, stderr) => {
      const code = failure ? failure.code : OK;
      try {
        resolve({ code, ...JSON.parse(code === OK ? stdout : stderr) });
      } catch (cause) {
        reject(new Error(`the Inspector ended with ${code}: ${stdout} ${stderr}`, { cause }));
      }
    });
  });
}

/** Runs `use`, and says what the server wrote meanwhile. */
async function logging(use) {
  const before = server.log().length;
  await use();
  return server.log().slice(before);
}

const call = (era, token) => inspect(era, token, 'tools/call', '--tool-name', 'get_time');
const read = (era, token) => inspect(era, token, 'resources/read', '--uri', 'server://info');

for (const [era, { first, anonymous, wrong }] of Object.entries(ERAS)) {
  describe(era, () => {
    test('calls the tool, in its generation of the protocol', async () => {
      const log = await logging(async () => {
        const { code, result, error } = await call(era, place.mint());
        assert.deepEqual({ code, error }, { code: OK, error: undefined });
        assert.equal(result.isError ?? false, false);
        const time = result.structuredContent;
        assert.deepEqual(Object.keys(time).sort(), ['current_time', 'formatted', 'timestamp', 'timezone']);
        assert.deepEqual(JSON.parse(result.content[0].text), time);
      });
      const actions = [...log.matchAll(/proceeding\.\.\. .*action=(.*)/g)].map(([, action]) => action);
      assert.equal(actions[0], first);
      assert.equal(actions.at(-1), 'tools/call get_time');
    });

    test('lists what the caller may use', async () => {
      const tokens = [place.mint(), place.mint(['--scope', 'User.Read'])];
      const [all, some] = await Promise.all(tokens.map((token) => inspect(era, token, 'tools/list')));
      const names = ({ result }) => result.tools.map((tool) => tool.name);
      assert.deepEqual([names(all), names(some)], [['get_time', 'whoami'], ['whoami']]);
      const { result } = await inspect(era, tokens[0], 'resources/list');
      assert.deepEqual(result.resources.map((resource) => resource.uri), ['server://info']);
    });

    test('finds no error in the schemas of the tools', async () => {
      const { code, result, schemaFindings = [] } = await inspect(era, place.mint(), 'tools/list', '--strict');
      assert.deepEqual({ code, tools: result.tools.length }, { code: OK, tools: 2 });
      const findings = schemaFindings.flatMap((tool) => tool.findings);
      assert.deepEqual(findings.filter((finding) => finding.severity !== 'warning'), []);
    });

    test('reads the resource', async () => {
      const { code, result } = await read(era, place.mint());
      assert.equal(code, OK);
      assert.equal(JSON.parse(result.contents[0].text).resource, RESOURCE);
    });

    test('does not see the tool without the scope', async () => {
      const { code, error } = await call(era, place.mint(['--scope', 'User.Read'])); // lists first, and calls never
      assert.deepEqual({ code, error: error.code }, { code: NO_SUCH_TOOL, error: 'tool_not_found' });
    });

    test('is told the scope that it lacks', async () => {
      const log = await logging(async () => {
        const { code, error } = await read(era, place.mint(['--scope', 'Admin.Write']));
        assert.equal(code, ERROR);
        assert.equal(error.message, 'Insufficient scope: required "Admin.Write User.Read"'); // out of the challenge
      });
      assert.match(log, /Missing required scope!.* action=resources\/read server:\/\/info/);
    });

    test('is refused without a token', async () => {
      const { code, error } = await call(era);
      assert.deepEqual({ code, error: error.code }, { code: AUTH_REQUIRED, error: 'auth_required' });
      assert.match(error.message, anonymous);
    });

    test('is refused with a wrong token', async () => {
      const tokens = [
        place.mint([], { JWT_SECRET: 'another-0123456789-abcdefghijklmnop' }),
        place.mint(['--aud', 'http://localhost:8001/mcp']),
        'abc',
      ];
      const refusals = await Promise.all(tokens.map((token) => call(era, token)));
      for (const { code, error } of refusals) {
        assert.deepEqual({ code, error: error.code }, { code: AUTH_REQUIRED, error: 'auth_required' });
        assert.match(error.message, wrong);
      }
    });
  });
}
