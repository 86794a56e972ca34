// A provider of identities, as its clients and their users see it: how they come by tokens.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';

import * as jose from 'jose';

import { PATIENCE, RESOURCE } from './harness.mjs';

export const SECRET = 'provider-secret-for-tests-0123456789';
export const REDIRECT = 'http://127.0.0.1/callback';
export const CLIENTS = {
  machine: 'machine',
  keyed: 'machine-with-a-key',
  brief: 'machine-for-a-second',
  opaqueMachine: 'opaque-machine',
  app: 'app',
  opaqueApp: 'opaque-app',
  server: 'resource-server',
};

/** A private key as JWK. */
export async function key(kid, alg = 'ES256') {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  return { ...(await jose.exportJWK(privateKey)), alg, kid, use: 'sig' };
}

const patiently = (options) => ({ ...options, signal: AbortSignal.timeout(PATIENCE) });
const basic = (client) => ({ Authorization: `Basic ${Buffer.from(`${client}:${SECRET}`).toString('base64')}` });

/** A running provider. */
export class Identity {
  /** Starts one that signs with the last of `keys`, on any port if none is named, with clients besides its own. */
  static async start(keys, port, clients = []) {
    const identity = new Identity();
    identity.process = fork(join(import.meta.dirname, 'provider.mjs'), { env: {}, silent: true });
    identity.process.stderr.on('data', (data) => (identity.log += data));
    await identity.tell({ keys, port, clients });
    return identity;
  }

  log = '';

  /** From now on it has these keys, and signs with the last one. */
  rotate(keys) {
    return this.tell({ keys });
  }

  async tell(message) {
    this.process.send(message);
    const told = once(this.process, 'message', { signal: AbortSignal.timeout(PATIENCE) });
    const died = once(this.process, 'exit').then(() => assert.fail(`the provider died: ${this.log}`));
    [{ issuer: this.issuer }] = await Promise.race([told, died]);
    died.catch(() => {});
    const answer = await fetch(`${this.issuer}/.well-known/openid-configuration`, patiently());
    this.document = await answer.json();
  }

  get port() {
    return new URL(this.issuer).port;
  }

  async stop() {
    const ended = once(this.process, 'exit');
    if (this.process.exitCode === null && this.process.kill()) await ended;
  }

  async post(endpoint, form, headers = {}) {
    const body = new URLSearchParams(form);
    const answer = await fetch(this.document[endpoint], patiently({ method: 'POST', headers, body }));
    const text = await answer.text();
    assert.ok(answer.ok, `${endpoint}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** A token for a client on its own account (RFC 6749 section 4.4). */
  async machineToken({ client = CLIENTS.machine, scope = 'User.Read Admin.Write', resource = RESOURCE } = {}) {
    const form = { grant_type: 'client_credentials', scope, resource };
    return (await this.post('token_endpoint', form, basic(client))).access_token;
  }

  /** Tokens for a user, who signs in and consents (RFC 6749 section 4.1, with PKCE and a resource). */
  async userTokens(user, { client = CLIENTS.app, scope = 'User.Read Admin.Write', resource = RESOURCE } = {}) {
    const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(8).toString('hex')];
    const request = {
      client_id: client,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      redirect_uri: REDIRECT,
      resource,
      response_type: 'code',
      scope,
      state,
    };
    const start = `${this.document.authorization_endpoint}?${new URLSearchParams(request)}`;
    const found = await browse(start, { login: user, password: 'any' });
    assert.deepEqual([found.get('state'), found.get('iss')], [state, this.issuer]);
    const code = found.get('code');
    const form = { grant_type: 'authorization_code', client_id: client, code, code_verifier: verifier, redirect_uri: REDIRECT };
    return this.post('token_endpoint', { ...form, resource });
  }

  async userToken(user, options) {
    return (await this.userTokens(user, options)).access_token;
  }

  /** Takes a user's token back, and with it all that the user granted the client (RFC 7009). */
  revoke(token, client) {
    return this.post('revocation_endpoint', { client_id: client, token });
  }
}

/** A browser with cookies, whose user fills in every form; until it is sent back to the client. */
async function browse(url, fields) {
  const cookies = new Map();
  let form;
  for (let step = 0; step < 20; step += 1) {
    const sent = { Cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
    const method = form ? 'POST' : 'GET';
    const answer = await fetch(url, patiently({ method, body: form, headers: sent, redirect: 'manual' }));
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const page = await answer.text();
    if (answer.status >= 300 && answer.status < 400) {
      const next = new URL(answer.headers.get('location'), url);
      if (next.href.startsWith(REDIRECT)) return next.searchParams;
      [url, form] = [next, undefined];
      continue;
    }
    assert.equal(answer.status, 200, page);
    const inputs = [...page.matchAll(/<input [^>]*>/g)].map(([input]) => (name) => new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1]);
    assert.ok(inputs.length, `no form: ${page}`);
    form = new URLSearchParams(inputs.map((input) => [input('name'), input('value') ?? fields[input('name')]]));
    url = new URL(/<form [^>]*action="([^"]*)"/.exec(page)[1], url);
  }
  return assert.fail(`never sent back, but to ${url}`);
}
