// Other vendors' clients sign alice in at the server itself, knowing nothing but its address, and call a tool.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import * as v2 from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { Browser } from './browser.mjs';
import { serveDocuments } from './documents.mjs';
import { serveIssuer } from './harness.mjs';
import { Home, PROGRAMS } from './programs.mjs';

const PASSWORD = 'seven green bottles on a wall';

let documents, server, url;
const homes = [];

before(async () => {
  documents = await serveDocuments();
  server = await serveIssuer(documents.settings);
  url = server.url;
  server.place.run('server', ['users', 'password', 'alice', '--stdin'], undefined, `${PASSWORD}\n`);
});

after(async () => {
  homes.forEach((home) => home.remove());
  await server?.stop();
  documents?.stop();
});

/** A home for a program, whose browser signs alice in with her password. */
function newHome() {
  const home = new Home();
  homes.push(home);
  home.environment.SIGN_IN_SECRET = PASSWORD;
  return home;
}

const person = (options) => new Browser({ secret: () => server.code(), ...options });

describe('a program', { concurrency: 3 }, () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    test(`${name} signs in, calls a tool, and needs no browser again`, async () => {
      const home = newHome();
      program.prepare?.(home, url);
      try {
        await program.signIn?.(home, url);
        const time = JSON.parse(await program.call(home, url, 'get_time'));
        assert.ok(time.current_time, JSON.stringify(time));
        assert.equal(home.opened, 1, home.steps.join('\n'));
        const who = JSON.parse(await program.call(home, url, 'whoami'));
        assert.equal(who.issuer, server.issuer, JSON.stringify(who));
        assert.equal(home.opened, 1, home.steps.join('\n'));
      } finally {
        await program.end?.(home);
      }
    });
  }

  for (const [name, denial] of Object.entries({ mcporter: /access_denied/, mcpc: /./, Codex: /./ })) {
    test(`${name} ends when alice declines`, async () => {
      const home = newHome();
      home.environment.DECISION = 'deny';
      const program = PROGRAMS[name];
      program.prepare?.(home, url);
      const run = (async () => {
        await program.signIn?.(home, url);
        return program.call(home, url, 'get_time');
      })();
      await assert.rejects(run, denial);
      assert.ok(home.steps.some((line) => line.startsWith('sent to ')), home.steps.join('\n'));
    });
  }
});

/** An application on the TypeScript SDK: a provider that keeps everything in memory. */
class Provider {
  redirectUrl = 'http://127.0.0.1:1/callback';

  constructor(method, decision) {
    this.clientMetadata = {
      client_name: 'An application',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: method,
      application_type: 'native',
    };
    this.person = person({ decision });
    this.opened = 0;
  }

  state = () => crypto.randomUUID();
  clientInformation = () => this.client;
  saveClientInformation = (client) => (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => (this.verifier = verifier);
  discoveryState = () => this.discovered;
  saveDiscoveryState = (state) => (this.discovered = state);
  invalidateCredentials = () => {};

  async redirectToAuthorization(address) {
    this.opened += 1;
    const { at } = await this.person.open(address);
    this.answer = new URL(at).searchParams;
  }
}

const SDKS = {
  'TypeScript SDK 1': { Client: OldClient, Transport: OldTransport, finish: (t, answer) => t.finishAuth(answer.get('code')) },
  'TypeScript SDK 2': {
    Client: v2.Client, Transport: v2.StreamableHTTPClientTransport, finish: (t, answer) => t.finishAuth(answer),
  },
};

/** Connects as an application does: signs in when it must, and once more with the token. */
async function connect({ Client, Transport, finish }, provider) {
  for (;;) {
    const transport = new Transport(new URL(url), { authProvider: provider });
    const client = new Client({ name: 'application', version: '1' });
    try {
      await client.connect(transport);
      return client;
    } catch (error) {
      if (!provider.answer) throw error;
      const { answer } = provider;
      provider.answer = undefined;
      if (answer.get('error')) throw new Error(`${answer.get('error')}: ${answer.get('error_description')}`);
      await finish(transport, answer);
    }
  }
}

for (const [name, sdk] of Object.entries(SDKS)) {
  describe(name, () => {
    for (const method of ['none', 'client_secret_basic', 'client_secret_post']) {
      test(`signs in as a client of the method ${method}, and refreshes`, async () => {
        const provider = new Provider(method);
        const client = await connect(sdk, provider);
        const result = await client.callTool({ name: 'get_time', arguments: {} });
        assert.ok(result.structuredContent.current_time, JSON.stringify(result));
        await client.close();
        assert.equal(provider.client.client_secret === undefined, method === 'none');

        const { refresh_token: first } = provider.kept;
        provider.kept = { ...provider.kept, access_token: `${provider.kept.access_token}x` };
        const again = await connect(sdk, provider);
        assert.ok((await again.callTool({ name: 'whoami', arguments: {} })).structuredContent.issuer);
        await again.close();
        assert.equal(provider.opened, 1);
        if (method === 'none') assert.notEqual(provider.kept.refresh_token, first, 'rotated for public clients');
      });
    }

    test('is given the answer when alice declines', async () => {
      await assert.rejects(connect(sdk, new Provider('none', 'deny')), /^Error: access_denied: ./);
    });
  });
}

describe('our client', () => {
  const client = (home, args, options) => home.run(join(process.env.BINARIES, 'client'), ['--url', url, ...args], options);

  async function callsBoth(home) {
    for (const tool of ['get_time', 'whoami']) {
      const run = await client(home, ['call', tool]);
      assert.equal(run.code, 0, run.stderr);
    }
  }

  test('signs in with a browser', async () => {
    const home = newHome();
    const run = await client(home, ['login']);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, new RegExp(`signed in at ${server.issuer}`));
    await callsBoth(home);
    assert.equal(home.opened, 1);
  });

  test('signs in with a browser elsewhere', async () => {
    const home = newHome();
    const run = await client(home, ['login', '--no-browser'], {
      onLine(line, stdin) {
        if (!line.startsWith(`${server.issuer}/authorize?`)) return;
        person().open(line).then(({ at }) => stdin.end(`${at}\n`));
      },
    });
    assert.equal(run.code, 0, run.stderr);
    await callsBoth(home);
    assert.equal(home.opened, 0);
  });

  test('signs in with a code on another device', async () => {
    const home = newHome();
    let [address, seen] = [undefined, undefined];
    const run = await client(home, ['login', '--device'], {
      onLine(line) {
        if (line.startsWith(`${server.issuer}/device`)) address = line;
        const code = /^and enter the code (.+)$/.exec(line)?.[1];
        if (code) seen = person().open(address, { code });
      },
    });
    assert.equal((await seen).status, 200);
    assert.equal(run.code, 0, run.stderr);
    await callsBoth(home);
  });

  test('signs in as itself, with a secret', async () => {
    const home = newHome();
    const { client_id: id, client_secret: secret } = JSON.parse(server.place.run('server', [
      'clients', 'add', '--name', 'Nightly', '--grant', 'client_credentials', '--role', 'user', '--output', 'json',
    ]));
    writeFileSync(join(home.folder, 'secret'), secret, { mode: 0o600 });
    const login = ['login', '--grant', 'client-credentials', `--client-id=${id}`, '--client-secret-file', 'secret'];
    const run = await client(home, login);
    assert.equal(run.code, 0, run.stderr);
    const read = await client(home, ['read', 'server://info']);
    assert.equal(read.code, 0, read.stderr);
    assert.equal(home.opened, 0);
  });

  test('reports a denial', async () => {
    const home = newHome();
    home.environment.DECISION = 'deny';
    const run = await client(home, ['login']);
    assert.notEqual(run.code, 0);
    assert.match(run.stderr, /denied|declined|access_denied/i);
  });
});

test('no code, token or cookie is in the log', () => {
  const log = server.log();
  assert.match(log, /get_time/);
  for (const secret of [/eyJ[\w-]+\.[\w-]+\./, /[?&]code=/, /bartizan_session=/, /client_secret/]) {
    assert.doesNotMatch(log, secret);
  }
});
