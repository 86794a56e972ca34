// Our client signs a person in at a certified OpenID provider, in a real browser, and calls our server with
// the token. What the person sees is kept as pictures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import chromium from '@sparticuz/chromium';
import * as jose from 'jose';
import puppeteer from 'puppeteer-core';

import { PATIENCE, Place, freePort, serve } from './harness.mjs';
import { CLIENTS, Identity, SECRET, key } from './identity.mjs';

const USER = 'alice';

let identity, place, server, url, home, browser, pem;

before(async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair('ES256', { extractable: true });
  pem = await jose.exportPKCS8(privateKey);
  const keyed = {
    client_id: CLIENTS.keyed,
    grant_types: ['client_credentials'],
    jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
  };
  identity = await Identity.start([await key('one')], undefined, [keyed]);
  place = new Place();
  place.dropSecret();
  writeFileSync(join(place.folder, 'issuers.toml'), `[issuers."${identity.issuer}"]\nkeys = "discover"\n`);
  for (const user of [USER, CLIENTS.machine, CLIENTS.keyed]) {
    place.run('server', ['users', 'add', user, '--issuer', identity.issuer, '--role', 'admin']);
  }
  const port = await freePort();
  url = `http://127.0.0.1:${port}/mcp`;
  const settings = { ISSUERS_FILE: 'issuers.toml', BIND_ADDR: `127.0.0.1:${port}`, MCP_RESOURCE: url };
  server = await serve(place, settings, []);
  assert.equal(server.url, url);
  home = mkdtempSync(join(tmpdir(), 'home-'));
  browser = await puppeteer.launch({
    args: chromium.args,
    executablePath: process.env.CHROMIUM,
    headless: 'shell',
    defaultViewport: { width: 900, height: 600 },
  });
  mkdirSync(process.env.PICTURES, { recursive: true });
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await identity?.stop();
  place?.remove();
  if (home) rmSync(home, { recursive: true });
});

/** Starts our client in a home of its own; `lines` are what it says on stderr, as it says it. */
function client(args, onLine = () => {}, at = url, HOME = home) {
  const run = spawn(join(process.env.BINARIES, 'client'), ['--url', at, ...args], { env: { HOME }, cwd: HOME });
  const kill = setTimeout(() => run.kill('SIGKILL'), PATIENCE);
  let [stdout, stderr, rest] = ['', '', ''];
  run.stdin.end();
  run.stdout.on('data', (data) => (stdout += data));
  run.stderr.on('data', (data) => {
    stderr += data;
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  return new Promise((resolve) => {
    run.once('close', (code) => {
      clearTimeout(kill);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Signs in as a person does, and photographs each page. */
async function signIn(address, name) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const picture = (what) => page.screenshot({ path: join(process.env.PICTURES, `${name}-${what}.png`) });
  await page.goto(address);
  if (await page.$('input[name=login]')) {
    await page.type('input[name=login]', USER);
    await page.type('input[name=password]', 'any');
    await picture('1-sign-in');
    await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
  }
  if (!page.url().includes('/callback')) {
    await picture('2-consent');
    await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
  }
  const [text, at] = [await page.evaluate(() => document.body.innerText), page.url()];
  await picture('3-done');
  await page.close();
  return { text, at };
}

/** Runs our client; whatever address of the provider it names is opened in the browser. */
async function withBrowser(name, args, at = url) {
  let seen;
  const onLine = (line) => {
    if (line.startsWith(`${identity.issuer}/auth?`)) seen = signIn(line, name);
  };
  const run = await client(args, onLine, at);
  return { ...run, page: await seen };
}

describe('a person with our client', () => {
  test('signs in at the provider in a browser', async () => {
    const run = await withBrowser('login', ['login', '--scope', 'Admin.Write']);
    assert.equal(run.code, 0, run.stderr + server.log());
    assert.match(run.stdout, new RegExp(`signed in at ${identity.issuer}`));
    assert.match(run.page.text, /You may close this page/);
    assert.match(run.page.at, /^http:\/\/127\.0\.0\.1:\d+\/callback\?.*iss=/);
  });

  test('calls the tool with the token that is stored now', async () => {
    const run = await client(['call', 'get_time', '--output', 'json']);
    assert.equal(run.code, 0, run.stderr);
    assert.ok(JSON.parse(run.stdout).structuredContent.current_time);
  });

  test('sees for whom and until when, and never the token', async () => {
    const run = await client(['status', '--output', 'json']);
    const [token] = JSON.parse(run.stdout).tokens;
    assert.equal(token.issuer, identity.issuer);
    assert.equal(token.server, url);
    const file = join(home, '.local/state/bartizan/tokens.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const stored = JSON.parse(readFileSync(file, 'utf8')).tokens[0].secret.credentials.token_response;
    assert.ok(stored.access_token && stored.refresh_token);
    for (const secret of [stored.access_token, stored.refresh_token]) assert.ok(!run.stdout.includes(secret));
  });

  test('is told by the doctor that all is well', async () => {
    const run = await client(['explain', '--tool', 'get_time', '--output', 'json']);
    const { checks } = JSON.parse(run.stdout);
    const failing = checks.filter(({ verdict }) => verdict === 'fail');
    assert.deepEqual(failing, [], run.stdout);
    assert.equal(run.code, 0, run.stdout);
    for (const check of ['token issuer', 'token audience', 'token expiry', 'tool']) {
      assert.ok(checks.some((line) => line.check === check && line.verdict === 'pass'), `${check}: ${run.stdout}`);
    }
  });

  test('leaves, and the provider takes the token back', async () => {
    const run = await client(['logout']);
    assert.match(run.stdout, /^forgotten, revoked \(refresh_token\)/);
    assert.equal((await client(['call', 'get_time'])).code, 4);
  });

  test('steps up on the way to a tool', async () => {
    const first = await withBrowser('narrow', ['login', '--scope', 'User.Read']);
    assert.equal(first.code, 0, first.stderr);
    assert.equal((await client(['call', 'get_time'])).code, 5);
    const second = await withBrowser('wider', ['call', 'get_time', '--yes']);
    assert.equal(second.code, 0, second.stderr);
    const [token] = JSON.parse((await client(['status', '--output', 'json'])).stdout).tokens;
    assert.deepEqual(token.scopes.filter((scope) => scope.includes('.')).sort(), ['Admin.Write', 'User.Read']);
  });
});

describe('a person with another device', () => {
  const file = () => join(home, '.local/state/bartizan/tokens.json');
  const stored = () => JSON.parse(readFileSync(file(), 'utf8')).tokens[0].secret.credentials;

  /** As if the token had been got long ago. */
  function age() {
    const list = JSON.parse(readFileSync(file(), 'utf8'));
    list.tokens[0].secret.credentials.token_received_at = 1;
    writeFileSync(file(), JSON.stringify(list));
  }

  /** Types the code in where the client says. */
  async function type(address, code) {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    const submit = () => Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
    await page.goto(address);
    await page.type('input[name=user_code]', code);
    await submit();
    while (await page.$('form[action]')) {
      if (await page.$('input[name=login]')) {
        await page.type('input[name=login]', USER);
        await page.type('input[name=password]', 'any');
      }
      await page.screenshot({ path: join(process.env.PICTURES, 'device.png') });
      await submit();
    }
    await page.close();
  }

  test('types a code in, as a client that registered for that', async () => {
    let [address, typed] = [undefined, undefined];
    const run = await client(['login', '--device', '--scope', 'Admin.Write'], (line) => {
      if (line.startsWith(`${identity.issuer}/device`)) address = line;
      const code = /^and enter the code (.+)$/.exec(line)?.[1];
      if (code) typed = type(address, code);
    });
    await typed;
    assert.equal(run.code, 0, run.stderr);
    assert.equal((await client(['call', 'get_time'])).code, 0);
  });

  test('has one token for ten processes, and a refresh token that is good afterwards', async () => {
    for (let round = 0; round < 2; round += 1) {
      const before = stored().token_response;
      age();
      const runs = await Promise.all(Array.from({ length: 10 }, () => client(['call', 'get_time'])));
      for (const run of runs) assert.equal(run.code, 0, run.stderr);
      const after = stored().token_response;
      assert.notEqual(after.access_token, before.access_token);
      // Shown twice, it would have cost the whole grant.
      assert.notEqual(after.refresh_token, before.refresh_token, 'the provider rotates them');
    }
  });
});

describe('a program with our client', () => {
  const folders = [];
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  for (const [how, id, flag, secret] of [
    ['its secret', CLIENTS.machine, '--client-secret-file', () => SECRET],
    ['its key', CLIENTS.keyed, '--private-key-file', () => pem],
  ]) {
    test(`signs in with ${how}`, async () => {
      const own = mkdtempSync(join(tmpdir(), 'home-'));
      folders.push(own);
      writeFileSync(join(own, 'secret'), secret(), { mode: 0o600 });
      const login = ['login', '--grant', 'client-credentials', '--client-id', id, flag, 'secret'];
      const run = await client([...login, '--scope', 'Admin.Write'], undefined, url, own);
      assert.equal(run.code, 0, run.stderr);
      const call = await client(['call', 'whoami', '--output', 'json'], undefined, url, own);
      assert.equal(JSON.parse(call.stdout).structuredContent.subject, id, call.stderr);
      const read = await client(['read', 'server://info'], undefined, url, own);
      assert.equal(read.code, 5, read.stderr); // it is for User.Read, and nobody is there to be asked
      const time = await client(['call', 'get_time'], undefined, url, own);
      assert.equal(time.code, 0, time.stderr);
      for (const { stdout, stderr } of [run, call, read, time]) assert.ok(!(stdout + stderr).includes(secret()));
    });
  }
});

describe('a server of another vendor', () => {
  let vendor, there;

  before(async () => {
    const port = await freePort();
    there = `http://127.0.0.1:${port}/mcp`;
    const program = join(import.meta.dirname, 'python', 'bin', 'python');
    const script = join(import.meta.dirname, 'fastmcp_provider.py');
    const environment = { PATH: process.env.PATH, HOME: home, PYTHONDONTWRITEBYTECODE: '1' };
    vendor = spawn(program, [script, identity.issuer, String(port)], { env: environment, stdio: 'ignore' });
    const start = Date.now();
    for (;;) {
      const answer = await fetch(there, { method: 'POST' }).catch(() => undefined);
      if (answer?.status === 401) return;
      assert.ok(Date.now() - start < PATIENCE, 'FastMCP did not start');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  after(() => vendor?.kill());

  test('takes the token that a person signed in for', async () => {
    const refused = await client(['call', 'whoami'], undefined, there);
    assert.equal(refused.code, 4, refused.stderr);
    const run = await withBrowser('fastmcp', ['login', '--scope', 'User.Read'], there);
    assert.equal(run.code, 0, run.stderr);
    const call = await client(['call', 'whoami'], undefined, there);
    assert.equal(call.code, 0, call.stderr);
    assert.match(call.stdout, new RegExp(USER));
  });

  test('is well, says the doctor', async () => {
    const run = await client(['explain', '--tool', 'whoami', '--output', 'json'], undefined, there);
    const { checks } = JSON.parse(run.stdout);
    assert.deepEqual(checks.filter(({ verdict }) => verdict === 'fail'), [], run.stdout);
  });
});
