// The official TypeScript SDK, new and old, against our server, with tokens that mint-token made.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import * as v2 from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { ISSUER, PATIENCE, Place, RESOURCE, serve } from './harness.mjs';

// With how each says a status, and the scope that is missing.
const NEW = {
  Client: v2.Client,
  Transport: v2.StreamableHTTPClientTransport,
  status: (error) => error.status,
  scope: /^Insufficient scope: required "Admin\.Write User\.Read"$/,
};
const OLD = {
  Client: OldClient,
  Transport: OldTransport,
  status: (error) => error.code,
  scope: /this needs the scope Admin\.Write; the token has User\.Read/,
};
const negotiation = (mode) => ({ versionNegotiation: { mode } });
const only = (revision) => ({ supportedProtocolVersions: [revision] });

// Which SDK, how it settles on a protocol revision, and on which one it does.
const SDKS = {
  'client 2, negotiating': { ...NEW, options: negotiation('auto'), revision: '2026-07-28' },
  'client 2, pinned': { ...NEW, options: negotiation({ pin: '2026-07-28' }), revision: '2026-07-28' },
  'client 2, by default': { ...NEW, options: {}, revision: '2025-11-25' },
  'client 2, 2025-06-18': { ...NEW, options: only('2025-06-18'), revision: '2025-06-18' },
  'client 2, 2025-03-26': { ...NEW, options: only('2025-03-26'), revision: '2025-03-26' },
  'client 2, 2024-11-05': { ...NEW, options: only('2024-11-05'), revision: '2024-11-05' },
  'sdk 1': { ...OLD, options: {}, revision: '2025-11-25' },
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

/** Runs `use` with a connected client that sends `token`, if any, and keeps every answer in `answers`. */
async function connected(sdk, token, answers, use) {
  const client = new sdk.Client({ name: 'vendors', version: '1' }, sdk.options);
  const transport = new sdk.Transport(new URL(server.url), {
    requestInit: { headers: token ? { Authorization: `Bearer ${token}` } : {} },
    fetch: async (url, init) => {
      const signals = [AbortSignal.timeout(PATIENCE), init?.signal].filter(Boolean);
      const answer = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
      // Without the body, which is for the SDK alone.
      answers.push(new Response(null, { status: answer.status, headers: answer.headers }));
      return answer;
    },
  });
  try {
    await client.connect(transport, { timeout: PATIENCE });
    return await use(client, transport);
  } finally {
    await client.close();
  }
}

/** Checks that the SDK's error has the server's words. While it negotiates a revision it has its own. */
function tells(sdk, error, reason) {
  const negotiates = 'versionNegotiation' in sdk.options;
  assert.match(error.message, negotiates ? /^Version negotiation failed: .*HTTP 40[13]/ : reason);
}

/** The answer that refused to call the tool, and the SDK's error. */
async function refusal(sdk, token) {
  const answers = [];
  const call = connected(sdk, token, answers, (client) => client.callTool({ name: 'get_time' }));
  const error = await call.then(() => assert.fail('it was not refused'), (error) => error);
  const answer = answers.at(-1);
  assert.ok(answer, error.stack);
  return { answer, error, challenge: answer.headers.get('www-authenticate') ?? '' };
}

for (const [name, sdk] of Object.entries(SDKS)) {
  describe(name, () => {
    test('calls the tool', async () => {
      const answers = [];
      await connected(sdk, place.mint(), answers, async (client, transport) => {
        const revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
        assert.equal(revision, sdk.revision);
        const result = await client.callTool({ name: 'get_time' });
        assert.ok(!result.isError);
        const time = result.structuredContent;
        assert.deepEqual(Object.keys(time).sort(), ['current_time', 'formatted', 'timestamp', 'timezone']);
        assert.ok(Math.abs(Date.parse(time.current_time) / 1000 - time.timestamp) < 0.01);
        assert.deepEqual(JSON.parse(result.content[0].text), time);
      });
      // 405: there is no stream of notifications to open, and clients may ask.
      for (const { status } of answers) assert.ok([200, 202, 405].includes(status), status);
    });

    test('lists what the caller may use', async () => {
      const tools = async (client) => (await client.listTools()).tools.map((tool) => tool.name);
      assert.deepEqual(await connected(sdk, place.mint(), [], tools), ['get_time', 'whoami']);
      const reader = place.mint(['--scope', 'User.Read']);
      assert.deepEqual(await connected(sdk, reader, [], tools), ['whoami']);
    });

    test('reads the resource', async () => {
      const read = (client) => client.readResource({ uri: 'server://info' });
      const { contents } = await connected(sdk, place.mint(), [], read);
      assert.equal(contents[0].mimeType, 'application/json');
      assert.equal(JSON.parse(contents[0].text).resource, RESOURCE);
    });

    test('is refused without a token', async () => {
      const { answer, error, challenge } = await refusal(sdk);
      assert.equal(answer.status, 401);
      assert.equal(sdk.status(error), 401);
      tells(sdk, error, /this server needs a bearer token/);
      assert.doesNotMatch(challenge, /error=/);
    });

    test('is refused with a wrong token', async () => {
      const wrong = [
        place.mint([], { JWT_SECRET: 'another-0123456789-abcdefghijklmnop' }),
        place.mint(['--aud', 'http://localhost:8001/mcp']),
        'abc',
      ];
      for (const token of wrong) {
        const { answer, error, challenge } = await refusal(sdk, token);
        assert.equal(answer.status, 401);
        assert.equal(sdk.status(error), 401);
        tells(sdk, error, /The access token is not valid/);
        assert.match(challenge, /error="invalid_token"/);
      }
    });

    test('is refused as an unknown user', async () => {
      const { answer, error } = await refusal(sdk, place.mint(['--sub', 'nobody']));
      assert.equal(answer.status, 403);
      tells(sdk, error, new RegExp(`you are nobody of ${ISSUER}`));
    });

    test('is refused without the scope', async () => {
      const { answer, error, challenge } = await refusal(sdk, place.mint(['--scope', 'User.Read']));
      assert.equal(answer.status, 403);
      assert.match(error.message, sdk.scope);
      assert.match(challenge, /error="insufficient_scope"/);
      assert.match(challenge, /scope="[^"]*Admin\.Write/);
    });
  });
}

test('the new SDK understands the challenge and the metadata', async () => {
  const sdk = SDKS['client 2, negotiating'];
  const forbidden = await refusal(sdk, place.mint(['--scope', 'User.Read']));
  const { error, scope, resourceMetadataUrl } = v2.extractWWWAuthenticateParams(forbidden.answer);
  assert.equal(error, 'insufficient_scope');
  assert.ok(scope.split(' ').includes('Admin.Write'));
  assert.equal(resourceMetadataUrl.origin, ISSUER);
  // The server listens elsewhere than its canonical URI says.
  const url = new URL(resourceMetadataUrl.pathname, server.url);
  const metadata = await v2.discoverOAuthProtectedResourceMetadata(server.url, { resourceMetadataUrl: url });
  assert.equal(metadata.resource, RESOURCE);
  assert.deepEqual(metadata.authorization_servers, [ISSUER]);
  assert.ok(metadata.scopes_supported.includes('Admin.Write'));
});
