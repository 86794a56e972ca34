// The official TypeScript SDKs against our server with a certificate: a good one, and those that Node must refuse.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { PATIENCE, Place, serve } from './harness.mjs';

const RESOURCE = 'https://localhost/mcp';
const CLIENT = join(import.meta.dirname, 'over_tls.mjs');

let place;
const servers = {};
const path = (name) => join(place.folder, name);

function openssl(...args) {
  execFileSync('openssl', args, { timeout: PATIENCE, stdio: 'pipe', cwd: place.folder });
}

const key = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}-key.pem`];

/** An authority that nothing trusts by itself. */
function authority(name) {
  openssl('req', '-x509', ...key(name), '-subj', `/CN=${name}`, '-days', '2', '-out', `${name}.pem`);
}

/** A certificate by the authority `ca`, valid for so many days from now. */
function certificate(name, host, days) {
  openssl('req', '-new', ...key(name), '-subj', '/CN=localhost', '-out', `${name}.csr`);
  writeFileSync(path(`${name}.ext`), `subjectAltName=DNS:${host}\nbasicConstraints=CA:false\n`);
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', `${name}.ext`];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', String(days), '-out', `${name}.pem`);
  chmodSync(path(`${name}-key.pem`), 0o600);
}

/** A server with this certificate, and the URL that clients are given. */
async function start(name) {
  const settings = { TLS_CERTIFICATE_FILE: path(`${name}.pem`), TLS_KEY_FILE: path(`${name}-key.pem`) };
  const server = await serve(place, { MCP_RESOURCE: RESOURCE, SIGN_IN: 'off', ...settings });
  servers[name] = { ...server, url: server.url.replace('127.0.0.1', 'localhost') };
}

/** What came of a call by `sdk`, which trusts the authority in the file `ca` beside its own. */
async function call(sdk, server, ca) {
  const token = place.mint(['--resource', RESOURCE]);
  const env = { PATH: process.env.PATH, TOKEN: token, ...(ca ? { NODE_EXTRA_CA_CERTS: path(ca) } : {}) };
  const options = { env, timeout: PATIENCE, encoding: 'utf8' };
  const { stdout } = await promisify(execFile)(process.execPath, [CLIENT, sdk, servers[server].url], options);
  return JSON.parse(stdout);
}

before(async () => {
  place = new Place();
  for (const name of ['ca', 'other']) authority(name);
  certificate('good', 'localhost', 1);
  certificate('expired', 'localhost', -1);
  certificate('elsewhere', 'mcp.example', 1);
  for (const name of ['good', 'expired', 'elsewhere']) await start(name);
});
after(async () => {
  for (const server of Object.values(servers)) await server.stop();
  place?.remove();
});

for (const sdk of ['client', 'sdk']) {
  describe(`TLS: ${sdk}`, () => {
    test('calls a server whose authority it trusts', async () => {
      const { text, code } = await call(sdk, 'good', 'ca.pem');
      assert.ok(text?.includes('timezone'), code);
    });

    test('refuses a certificate of an authority that it does not trust', async () => {
      for (const ca of [undefined, 'other.pem']) {
        const { code } = await call(sdk, 'good', ca);
        assert.match(code, /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/);
      }
    });

    test('refuses a certificate that has expired', async () => {
      assert.equal((await call(sdk, 'expired', 'ca.pem')).code, 'CERT_HAS_EXPIRED');
    });

    test('refuses a certificate for another name', async () => {
      assert.equal((await call(sdk, 'elsewhere', 'ca.pem')).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });
  });
}

test('a client that refuses the certificate sends no request', () => {
  assert.match(servers.good.log(), /get_time/);
  for (const name of ['expired', 'elsewhere']) assert.doesNotMatch(servers[name].log(), /get_time|initialize/);
});
