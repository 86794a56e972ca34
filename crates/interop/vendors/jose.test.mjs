// Tokens both ways, with keys as JSON: jose reads ours, and our server admits jose's and no wrong one.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import * as jose from 'jose';

import { ISSUER, Place, RESOURCE, callTool, serve } from './harness.mjs';

/** An algorithm, keys for it that jose made, and a running server that has the public one. */
async function start(alg) {
  const place = new Place();
  if (alg === 'HS256') {
    const secret = new TextEncoder().encode(place.secret); // as it stands
    return { place, signer: secret, verifier: secret, kid: undefined, minting: {}, server: await serve(place) };
  }
  const pair = await jose.generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await jose.exportJWK(pair.publicKey)), use: 'sig', alg };
  const kid = await jose.calculateJwkThumbprint(publicJwk);
  place.dropSecret();
  const file = (name, content, mode) => {
    const path = join(place.folder, name);
    writeFileSync(path, JSON.stringify(content), { mode });
    return path;
  };
  const key = file('key.json', await jose.exportJWK(pair.privateKey), 0o600);
  const keys = file('jwks.json', { keys: [{ ...publicJwk, kid }] }, 0o644);
  const server = await serve(place, { JWT_KEY_FILE: keys });
  return { place, signer: pair.privateKey, verifier: pair.publicKey, kid, minting: { JWT_KEY_FILE: key }, server };
}

const status = async (server, token) => (await callTool(server, token)).status;

const seconds = () => Math.floor(Date.now() / 1000);

const claims = (changes = {}) => ({
  iss: ISSUER,
  sub: 'alice',
  aud: RESOURCE,
  exp: seconds() + 600,
  iat: seconds(),
  jti: crypto.randomUUID(),
  client_id: 'jose',
  scope: 'User.Read Admin.Write',
  ...changes,
});

const sign = (payload, header, key) => new jose.SignJWT(payload).setProtectedHeader(header).sign(key);

for (const alg of ['HS256', 'RS256', 'ES256', 'EdDSA']) {
  describe(alg, () => {
    let us;
    before(async () => (us = await start(alg)));
    after(async () => {
      await us?.server.stop();
      us?.place.remove();
    });
    const header = (changes = {}) => ({ alg, typ: 'at+jwt', ...(us.kid && { kid: us.kid }), ...changes });

    test('jose verifies our token', async () => {
      const token = us.place.mint([], us.minting);
      const expected = { issuer: ISSUER, audience: RESOURCE, typ: 'at+jwt', algorithms: [alg] };
      const required = { requiredClaims: ['sub', 'exp', 'iat', 'nbf', 'jti', 'client_id'] };
      const { payload, protectedHeader } = await jose.jwtVerify(token, us.verifier, { ...expected, ...required });
      assert.equal(payload.sub, 'alice');
      assert.equal(payload.scope, 'Admin.Write User.Read');
      assert.equal(protectedHeader.kid, us.kid); // the RFC 7638 thumbprint, where there is a public key
      for (const other of [{ audience: 'http://localhost:8001/mcp' }, { issuer: 'http://localhost:8001' }]) {
        const elsewhere = jose.jwtVerify(token, us.verifier, { ...expected, ...other });
        await assert.rejects(elsewhere, { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
      }
      assert.equal(await status(us.server, token), 200);
    });

    test('the server admits a token of jose', async () => {
      assert.equal(await status(us.server, await sign(claims(), header(), us.signer)), 200);
      // Its only key of that algorithm needs no name.
      const unnamed = await sign(claims(), { alg, typ: 'at+jwt' }, us.signer);
      assert.equal(await status(us.server, unnamed), 200);
    });

    test('the server refuses one wrong claim', async () => {
      const wrong = [
        { iss: 'http://localhost:8001' },
        { aud: 'http://localhost:8001/mcp' },
        { exp: seconds() - 3600 },
        { exp: undefined },
        { nbf: seconds() + 3600 },
        { iat: seconds() + 3600 },
        { sub: undefined },
      ];
      for (const changes of wrong) {
        const token = await sign(claims(changes), header(), us.signer);
        assert.equal(await status(us.server, token), 401, JSON.stringify(changes));
      }
    });

    test('the server refuses another header', async () => {
      for (const changes of [{ typ: 'JWT' }, { typ: undefined }, { kid: 'another' }]) {
        const token = await sign(claims(), header(changes), us.signer);
        assert.equal(await status(us.server, token), 401, JSON.stringify(changes));
      }
      const unsigned = new jose.UnsecuredJWT(claims()).encode();
      assert.equal(await status(us.server, unsigned), 401);
    });

    if (alg === 'HS256') return; // has no public key
    test('the server does not take a public key for a secret', async () => {
      const secret = new TextEncoder().encode(await jose.exportSPKI(us.verifier));
      const token = await sign(claims(), header({ alg: 'HS256' }), secret);
      assert.equal(await status(us.server, token), 401);
    });
  });
}

/** Keys of ours as jose reads them: `{ file, signer, verifier }`. */
async function keygen(place, alg, format) {
  const name = format === 'pem' ? 'key.pem' : 'key.json';
  const file = join(place.folder, name);
  place.run('mint-token', ['keygen', '--alg', alg, '--format', format, '--out', file]);
  const text = readFileSync(file, 'utf8');
  if (format === 'pem') {
    const signer = await jose.importPKCS8(text, alg, { extractable: true });
    return { file, signer, verifier: undefined };
  }
  const jwk = JSON.parse(text);
  const signer = await jose.importJWK(jwk, alg);
  if (alg === 'HS256') return { file, signer, verifier: signer };
  const { kty, crv, x, y, n, e } = jwk;
  assert.equal(jwk.kid, await jose.calculateJwkThumbprint(jwk)); // RFC 7638
  return { file, signer, verifier: await jose.importJWK({ kty, crv, x, y, n, e }, alg) };
}

const formats = [['HS256', 'jwk'], ...['RS256', 'ES256', 'EdDSA'].flatMap((alg) => [[alg, 'pem'], [alg, 'jwk']])];
for (const [alg, format] of formats) {
  test(`a key of ours goes both ways: ${alg} as ${format}`, async () => {
    const place = new Place();
    try {
      let { file, signer, verifier } = await keygen(place, alg, format);
      const token = place.mint(['--key', file]);
      const { kid } = jose.decodeProtectedHeader(token);
      if (alg !== 'HS256') {
        const folder = join(place.folder, 'keys');
        mkdirSync(folder);
        renameSync(file, join(folder, format === 'pem' ? 'key.pem' : 'key.json'));
        file = join(place.folder, 'jwks.json');
        place.run('mint-token', ['jwks', folder, '--out', file]);
        verifier ??= jose.createLocalJWKSet(JSON.parse(readFileSync(file, 'utf8')));
      }
      const expected = { issuer: ISSUER, audience: RESOURCE, typ: 'at+jwt', algorithms: [alg] };
      assert.equal((await jose.jwtVerify(token, verifier, expected)).payload.sub, 'alice');
      const theirs = join(place.folder, 'token.txt');
      writeFileSync(theirs, await sign(claims(), { alg, typ: 'at+jwt', kid }, signer));
      const said = place.run('mint-token', ['verify', theirs, '--keys', file]);
      assert.match(said, /valid: alice/);
      const decision = place.run('mint-token', ['explain', theirs, '--keys', file, '--tool', 'get_time']);
      assert.match(decision, /permitted: tools\/call get_time/);
    } finally {
      place.remove();
    }
  });
}
