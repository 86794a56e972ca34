// A certified OpenID provider, whose tokens our server takes: keys, their rotation, introspection, outage.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as jose from 'jose';

import { PATIENCE, Place, RESOURCE, callTool, serve } from './harness.mjs';
import { CLIENTS, Identity, SECRET, key } from './identity.mjs';

// Of the server: for how long an issuer is not asked for its keys again, a yes of it is remembered, and
// clocks may disagree. In milliseconds.
const PAUSE = 10_000;
const REMEMBERED = 30_000;
const LEEWAY = 30_000;
const SLACK = 6_000; // for a slow machine

const ELSEWHERE = 'http://localhost:8001/mcp';

const cleaning = [];
after(async () => {
  for (const clean of cleaning.reverse()) await clean();
});

async function provider(...keys) {
  const identity = await Identity.start(keys);
  cleaning.push(() => identity.stop());
  return identity;
}

/** A server that trusts these providers, each with lines of its own in the issuers' file. */
async function protect(trusted, users = [CLIENTS.machine]) {
  const place = new Place();
  cleaning.push(() => place.remove());
  const sections = trusted.map(([{ issuer }, ...lines]) => [`[issuers."${issuer}"]`, ...lines].join('\n'));
  writeFileSync(join(place.folder, 'issuers.toml'), sections.join('\n\n'));
  for (const [{ issuer }] of trusted) {
    for (const user of users) place.run('server', ['users', 'add', user, '--issuer', issuer, '--role', 'admin']);
  }
  const server = await serve(place, { ISSUERS_FILE: 'issuers.toml', PROVIDER_SECRET: SECRET });
  cleaning.push(() => server.stop());
  return server;
}

const introspection = (more) =>
  `introspection = { client_id = "${CLIENTS.server}", secret_env = "PROVIDER_SECRET", ${more} }`;

/** Calls the tool until the server answers so, and says how long that took. */
async function until(status, server, token, within) {
  const start = Date.now();
  for (;;) {
    const answer = await callTool(server, token);
    if (answer.status === status) return Date.now() - start;
    assert.ok(Date.now() - start < within, `${answer.status} for ${within} ms: ${answer.text} ${server.log()}`);
    await sleep(250);
  }
}

async function admitted(server, token) {
  const answer = await callTool(server, token);
  assert.equal(answer.status, 200, `${answer.text} ${server.log()}`);
}

async function refused(server, token) {
  const answer = await callTool(server, token);
  assert.equal(answer.status, 401, answer.text);
  assert.match(answer.challenge, /error="invalid_token"/);
}

async function ready(server) {
  const answer = await fetch(new URL('/readyz', server.url), { signal: AbortSignal.timeout(PATIENCE) });
  return { status: answer.status, text: await answer.text() };
}

describe('a provider', { concurrency: true }, () => {
  test('is discovered, and its clients and users are let in', async () => {
    const identity = await provider(await key('one', 'RS256'));
    const server = await protect([[identity, 'keys = "discover"']], [CLIENTS.machine, 'alice']);
    assert.equal(identity.document.issuer, identity.issuer);

    const token = await identity.machineToken();
    const { alg, kid, typ } = jose.decodeProtectedHeader(token);
    assert.deepEqual({ alg, kid, typ }, { alg: 'RS256', kid: 'one', typ: 'at+jwt' });
    const { aud, sub, scope } = jose.decodeJwt(token);
    assert.deepEqual({ aud, sub, scope }, { aud: RESOURCE, sub: CLIENTS.machine, scope: 'User.Read Admin.Write' });
    await admitted(server, token);
    await admitted(server, await identity.userToken('alice'));
    assert.deepEqual(await ready(server), { status: 200, text: 'ready\n' });

    const weak = await callTool(server, await identity.userToken('alice', { scope: 'User.Read' }));
    assert.equal(weak.status, 403);
    assert.match(weak.challenge, /error="insufficient_scope".* scope="Admin\.Write User\.Read"/);
    const stranger = await callTool(server, await identity.userToken('mallory'));
    assert.deepEqual([stranger.status, stranger.challenge], [403, '']);
  });

  test('is believed for this resource alone, and nobody else for it', async () => {
    const shared = await key('one');
    const [identity, other] = await Promise.all([provider(shared), provider(shared)]);
    const server = await protect([[identity]]);
    await admitted(server, await identity.machineToken());
    await refused(server, await identity.machineToken({ resource: ELSEWHERE }));
    await refused(server, await other.machineToken()); // the same key, another issuer
    await refused(server, await identity.machineToken({ client: CLIENTS.opaqueMachine }));
  });

  test('has another beside it whose key has the same name', async () => {
    const keys = [await key('same'), await key('same')];
    const [one, other] = await Promise.all(keys.map((key) => provider(key)));
    const server = await protect([[one], [other]], [CLIENTS.machine]);
    const tokens = await Promise.all([one.machineToken(), other.machineToken()]);
    assert.notEqual(jose.decodeJwt(tokens[0]).iss, jose.decodeJwt(tokens[1]).iss);
    for (const token of tokens) {
      assert.equal(jose.decodeProtectedHeader(token).kid, 'same');
      await admitted(server, token);
    }
    // In the name of the one, with the key of the other.
    const forge = async (key) => {
      const signing = await jose.importJWK(key, 'ES256');
      return new jose.SignJWT(jose.decodeJwt(tokens[0])).setProtectedHeader(jose.decodeProtectedHeader(tokens[0])).sign(signing);
    };
    await admitted(server, await forge(keys[0]));
    await refused(server, await forge(keys[1]));
  });

  test('has its tokens end', async () => {
    const identity = await provider(await key('one'));
    const server = await protect([[identity]], [CLIENTS.brief]);
    const token = await identity.machineToken({ client: CLIENTS.brief });
    await admitted(server, token);
    const took = await until(401, server, token, LEEWAY + 1000 + SLACK);
    assert.ok(took > LEEWAY - SLACK, `refused after ${took} ms`);
  });

  test('changes its keys, and the server follows', async () => {
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((kid) => key(kid)));
    const identity = await provider(a);
    const server = await protect([[identity]]);
    const ofA = await identity.machineToken();
    await admitted(server, ofA);

    await identity.rotate([a, b]);
    const ofB = await identity.machineToken();
    assert.equal(jose.decodeProtectedHeader(ofB).kid, 'b');
    await until(200, server, ofB, PAUSE + SLACK);
    await admitted(server, ofA); // still published

    await identity.rotate([b, c]);
    const ofC = await identity.machineToken();
    await until(200, server, ofC, PAUSE + SLACK);
    await admitted(server, ofB);
    await refused(server, ofA);
  });

  test('is out of reach: the keys that are known serve on, and others are refused', async () => {
    const [known, unknown] = [await key('known'), await key('unknown')];
    const identity = await provider(known);
    const server = await protect([[identity]]);
    const ofKnown = await identity.machineToken();
    await admitted(server, ofKnown);
    await identity.rotate([known, unknown]);
    const ofUnknown = await identity.machineToken();
    await identity.stop();

    const start = Date.now();
    do {
      await refused(server, ofUnknown); // which makes the server ask for the key, and in vain
      await sleep(250);
      assert.ok(Date.now() - start < PAUSE + SLACK, 'the server has not noticed');
    } while ((await ready(server)).text === 'ready\n');
    const { status, text } = await ready(server);
    assert.equal(status, 200); // it can still serve
    assert.match(text, new RegExp(`^ready\nkeys of ${identity.issuer} cannot be fetched since `));
    await admitted(server, ofKnown);

    const again = await Identity.start([known, unknown], identity.port);
    cleaning.push(() => again.stop());
    await until(200, server, ofUnknown, PAUSE + SLACK);
    assert.deepEqual(await ready(server), { status: 200, text: 'ready\n' });
  });

  test('was never in reach: the server starts, refuses, and is not ready', async () => {
    const identity = await provider(await key('one'));
    const token = await identity.machineToken();
    await identity.stop();
    const server = await protect([[identity]]);
    await refused(server, token);
    const { status, text } = await ready(server);
    assert.equal(status, 503);
    assert.match(text, new RegExp(`keys of ${identity.issuer} cannot be fetched since `));
  });
});

describe('a provider that is asked about tokens', { concurrency: true }, () => {
  test('says of an opaque token whose it is, and when it was taken back', async () => {
    const identity = await provider(await key('one'));
    const server = await protect([[identity, introspection('when = "opaque"')]], ['alice', CLIENTS.machine]);
    const token = await identity.userToken('alice', { client: CLIENTS.opaqueApp });
    assert.doesNotMatch(token, /\./);
    await admitted(server, token);
    await admitted(server, await identity.machineToken()); // JWTs as ever

    const weak = { client: CLIENTS.opaqueApp, scope: 'User.Read' };
    const answer = await callTool(server, await identity.userToken('alice', weak));
    assert.equal(answer.status, 403);
    assert.match(answer.challenge, /error="insufficient_scope"/);
    const elsewhere = { client: CLIENTS.opaqueApp, resource: ELSEWHERE };
    await refused(server, await identity.userToken('alice', elsewhere));
    await refused(server, 'nobody-ever-made-this-token');
    // What begins like a JWT is no opaque token: it is not asked about.
    const odd = await callTool(server, `${btoa('{"alg":"RS256"}')}.a.b.c.d`);
    assert.equal(odd.status, 401);
    await admitted(server, await identity.userToken('alice', { client: CLIENTS.opaqueApp }));
    // It says no `sub` for a client on its own account, and without one nobody is let in.
    await refused(server, await identity.machineToken({ client: CLIENTS.opaqueMachine }));

    await identity.revoke(token, CLIENTS.opaqueApp);
    await until(401, server, token, REMEMBERED + SLACK);

    const last = await identity.userToken('alice', { client: CLIENTS.opaqueApp });
    await identity.stop();
    const unavailable = await callTool(server, last);
    assert.equal(unavailable.status, 503); // neither a yes nor a no
  });

  test('says of a JWT that it was taken back', async () => {
    const identity = await provider(await key('one'));
    const url = `url = "${identity.issuer}/jwt/introspection", when = "always"`;
    const server = await protect([[identity, introspection(url)]], ['alice']);
    const { access_token: token, refresh_token: refresh } = await identity.userTokens('alice');
    const { access_token: other } = await identity.userTokens('alice');
    await admitted(server, token);
    await identity.revoke(refresh, CLIENTS.app);
    await until(401, server, token, REMEMBERED + SLACK);
    await admitted(server, other); // of another grant
  });

  test('will not be asked about JWTs, and so none of them passes', async () => {
    const identity = await provider(await key('one'));
    const server = await protect([[identity, introspection('when = "always"')]], ['alice']);
    const unavailable = await callTool(server, await identity.userToken('alice'));
    assert.equal(unavailable.status, 503);
    await admitted(server, await identity.userToken('alice', { client: CLIENTS.opaqueApp }));
  });
});
