// People sign in at the server through other vendors' identity providers (oidc-provider, and django-oauth-toolkit),
// and MCP clients get the server's own tokens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as jose from 'jose';

import { forms, words } from './browser.mjs';
import { PATIENCE, Place, callTool, freePort, serve } from './harness.mjs';
import { Identity, SECRET, key } from './identity.mjs';

const CLIENT = 'bartizan';
const REDIRECT = 'http://127.0.0.1:1/callback';
const PROVIDERS = { oidc: 'OpenID & Sons', django: 'Django' };

let issuer, url, place, server, identity, django;

const patiently = (options) => ({ ...options, signal: AbortSignal.timeout(PATIENCE) });

/** Starts django-oauth-toolkit: `{ issuer, stop() }`. */
async function startDjango(redirect) {
  const args = [join(import.meta.dirname, 'django_provider.py'), '0', CLIENT, SECRET, redirect];
  const run = spawn(process.env.PYTHON, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => run.kill('SIGKILL');
  process.once('exit', kill);
  let log = '';
  run.stderr.on('data', (data) => (log += data));
  let line;
  for await (line of createInterface({ input: run.stdout })) break;
  assert.match(line ?? '', /^http:/, log);
  return { issuer: line, stop: kill };
}

before(async () => {
  issuer = `http://localhost:${await freePort()}`;
  url = `${issuer}/mcp`;
  const callback = (name) => `${issuer}/sign-in/callback/${name}`;
  const registered = {
    client_id: CLIENT,
    client_secret: SECRET,
    grant_types: ['authorization_code'],
    redirect_uris: [callback('oidc')],
    response_types: ['code'],
  };
  identity = await Identity.start([await key('one')], undefined, [registered]);
  django = await startDjango(callback('django'));
  const settings = { JWT_ISSUER: issuer, MCP_RESOURCE: url, PROVIDER_SECRET: SECRET };
  place = new Place(settings);
  const section = (name, at) => `
[sign_in.${name}]
issuer = "${at}"
label = "${PROVIDERS[name]}"
client_id = "${CLIENT}"
secret_env = "PROVIDER_SECRET"
allowed_domains = ["example.com"]
roles = { operators = ["admin"] }
unknown_users = "provision"
default_roles = ["guest"]
`;
  const config = section('oidc', identity.issuer) + section('django', django.issuer);
  writeFileSync(join(place.folder, 'bartizan.toml'), config);
  server = await serve(place, settings, ['--bind', `127.0.0.1:${new URL(issuer).port}`]);
});

after(async () => {
  await server?.stop();
  await identity?.stop();
  django?.stop();
  place?.remove();
});

/** A person with a browser: cookies for each origin, and one answer for each form. */
class Person {
  cookies = new Map();
  pages = [];

  constructor(provider, { login = 'alice' } = {}) {
    this.answers = { login, username: login, password: 'any', allow: 'Authorize' };
    this.provider = provider;
  }

  async request(at, form) {
    const { origin } = at;
    const jar = this.cookies.get(origin) ?? new Map();
    this.cookies.set(origin, jar);
    const headers = { Accept: 'text/html', Cookie: [...jar].map((pair) => pair.join('=')).join('; ') };
    if (form) Object.assign(headers, { Origin: origin, Referer: at.href });
    const answer = await fetch(at, patiently({ method: form ? 'POST' : 'GET', body: form, headers, redirect: 'manual' }));
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    const text = await answer.text();
    if (origin === issuer) this.pages.push({ path: at.pathname, status: answer.status, text });
    return { status: answer.status, location: answer.headers.get('location'), text };
  }

  /** What is submitted of a page. */
  submitted(text, at) {
    for (const { method, action, fields, buttons } of forms(text)) {
      if (method !== 'post') continue;
      const to = new URL(action || at.href, at);
      const form = new URLSearchParams();
      for (const { name, type, value = '', checked } of fields) {
        if (!name || (type === 'checkbox' && checked === undefined)) continue;
        form.append(name, this.answers[name] && !value ? this.answers[name] : value || (type === 'checkbox' ? 'on' : ''));
      }
      if (at.origin === issuer) {
        const allows = buttons.find(({ name, value }) => name === 'decision' && value === 'allow');
        if (allows) form.append('decision', 'allow');
        else if (!to.pathname.endsWith(`/sign-in/with/${this.provider}`)) continue;
      } else if (buttons.some(({ name }) => name === 'allow') || fields.some(({ name }) => name === 'allow')) {
        form.set('allow', 'Authorize');
      }
      return [to, form];
    }
    return undefined;
  }

  /** Follows an authorization request until the client is sent its answer, or a page has nothing more to do. */
  async open(address) {
    let [at, form] = [new URL(address), undefined];
    for (let step = 0; step < 25; step += 1) {
      const answer = await this.request(at, form);
      form = undefined;
      const leads = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(answer.text)?.[1];
      if (answer.location !== null || leads !== undefined) {
        const next = new URL(answer.location ?? leads.replaceAll('&#38;', '&').replaceAll('&amp;', '&'), at);
        if (next.href.startsWith(REDIRECT)) return { answer: next.searchParams };
        at = next;
        continue;
      }
      const todo = this.submitted(answer.text, at);
      if (!todo) return { page: words(answer.text), status: answer.status };
      [at, form] = todo;
      // As long as a person reads at least: what guards the tools sees a new user within a second.
      if (form.has('decision')) await sleep(1_100);
    }
    return assert.fail(`still not done, at ${at}`);
  }
}

/** A client that registers itself, and what it gets with the answer that `person` brings. */
async function connect(person) {
  const json = { 'Content-Type': 'application/json' };
  const metadata = { client_name: 'A program', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' };
  const registered = await fetch(`${issuer}/register`, patiently({ method: 'POST', headers: json, body: JSON.stringify(metadata) }));
  assert.equal(registered.status, 201, await registered.clone().text());
  const { client_id } = await registered.json();
  const [verifier, state] = [randomBytes(32).toString('base64url'), 'a+/= state'];
  const request = {
    client_id,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    redirect_uri: REDIRECT,
    resource: url,
    response_type: 'code',
    scope: 'Admin.Write User.Read',
    state,
  };
  const end = await person.open(`${issuer}/authorize?${new URLSearchParams(request)}`);
  if (!end.answer) return end;
  assert.deepEqual([end.answer.get('state'), end.answer.get('iss')], [state, issuer], end.answer.toString());
  const form = { grant_type: 'authorization_code', client_id, code: end.answer.get('code'), code_verifier: verifier, redirect_uri: REDIRECT };
  const answer = await fetch(`${issuer}/token`, patiently({ method: 'POST', body: new URLSearchParams(form) }));
  const tokens = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(tokens));
  return { tokens };
}

const users = () => JSON.parse(place.run('server', ['users', 'list', '--output', 'json']));

for (const [name, label] of Object.entries(PROVIDERS)) {
  describe(`a person who signs in with ${label}`, () => {
    test('consents here, and the program calls a tool with a token of this server', async () => {
      const person = new Person(name);
      const { tokens, page } = await connect(person);
      assert.ok(tokens, `${page}\n${server.log()}`);
      const called = await callTool(server, tokens.access_token);
      assert.equal(called.status, 200, called.text + server.log());
      assert.match(called.text, /current_time/);
      const claims = jose.decodeJwt(tokens.access_token);
      assert.equal(claims.iss, issuer);
      assert.match(claims.sub, new RegExp(`^${name}\\|`));
      assert.equal(claims.aud, url);
      const consent = person.pages.find(({ path, text }) => path === '/authorize' && /value="allow"/.test(text));
      assert.ok(consent, 'the program was consented to here');
      assert.match(words(consent.text), /A program/);
    });

    test('is a user here, with the roles of the mapping', () => {
      const user = users().find(({ subject }) => subject.startsWith(`${name}|`));
      assert.equal(user.issuer, issuer);
      assert.match(user.display_name, /^Alice/);
      assert.deepEqual(user.roles, ['admin', 'guest']);
    });

    test('is signed in already for the next program', async () => {
      const person = new Person(name);
      await connect(person);
      const before = person.pages.length;
      const { tokens } = await connect(person);
      assert.ok(tokens.access_token);
      const again = person.pages.slice(before).map(({ path }) => path);
      assert.ok(!again.some((path) => path.startsWith('/sign-in')), again.join(' '));
    });

    test('gets in no more once disabled', async () => {
      const user = users().find(({ subject }) => subject.startsWith(`${name}|`));
      place.run('server', ['users', 'disable', user.subject]);
      const { status, page } = await connect(new Person(name));
      assert.equal(status, 403, page);
      assert.match(page, /disabled/);
      place.run('server', ['users', 'enable', user.subject]);
    });
  });
}

test('someone of another domain gets in at neither', async () => {
  const { status, page } = await connect(new Person('oidc', { login: 'mallory' }));
  assert.equal(status, 403, page);
  assert.ok(!users().some(({ subject }) => subject === 'oidc|mallory'));
});

test('the provider turns its keys, and people still sign in', async () => {
  await identity.rotate([await key('two')]);
  // The server fetches new keys at most once in 10 s.
  await sleep(10_500);
  const { tokens, page } = await connect(new Person('oidc'));
  assert.ok(tokens, page + server.log());
});

test('nothing of the providers is in the log', () => {
  const log = server.log();
  for (const secret of [SECRET, /eyJ[\w-]+\.[\w-]+\./, /[?&]code=/, /code_verifier/, /bartizan_session=/]) {
    assert.doesNotMatch(log, typeof secret === 'string' ? new RegExp(secret) : secret);
  }
});
