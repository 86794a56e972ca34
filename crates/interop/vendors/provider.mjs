// An OpenID provider (oidc-provider, certified) as a process of its own, on loopback.
//
// 1. It is told by messages: `{ keys, port, clients }` with private keys as JWK, of which the last one signs,
//    and clients besides its own. It answers `{ issuer }`. Keys may be sent again while it runs: from then on
//    it has those.
// 2. Its tokens are for whatever resource is asked for: as JWT (RFC 9068), or opaque where the client's
//    name says so.
// 3. It knows of no JWT any more once it has made it, and refuses to be asked about one. So that there is
//    somebody to ask, a second introspection endpoint is beside it: `/jwt/introspection`.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import * as jose from 'jose';
import { Provider } from 'oidc-provider';

import { CLIENTS, REDIRECT, SECRET } from './identity.mjs';

const SCOPES = 'User.Read Admin.Write';

const machine = (client_id) => ({
  client_id,
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});

const app = (client_id) => ({
  client_id,
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [REDIRECT],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
});

/** What is known of a user. Only alice belongs to the organization. */
const account = (id) => ({
  sub: id,
  name: `${id[0].toUpperCase()}${id.slice(1)}`,
  email: `${id}@${id === 'alice' ? 'example.com' : 'evil.example'}`,
  email_verified: true,
  groups: ['operators'],
});

function configuration(keys, clients) {
  const { alg, kid } = keys.at(-1);
  return {
    clientDefaults: { id_token_signed_response_alg: alg },
    clients: [
      ...[CLIENTS.machine, CLIENTS.brief, CLIENTS.opaqueMachine].map(machine),
      ...[CLIENTS.app, CLIENTS.opaqueApp].map(app),
      { ...machine(CLIENTS.server), grant_types: [] },
      ...clients,
    ],
    cookies: { keys: [SECRET] },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource, client) => ({
          accessTokenFormat: client.clientId.startsWith('opaque-') ? 'opaque' : 'jwt',
          accessTokenTTL: client.clientId === CLIENTS.brief ? 1 : 3600,
          audience: resource,
          jwt: { sign: { alg, kid } },
          scope: SCOPES,
        }),
      },
      revocation: { enabled: true },
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => account(id) }),
    formats: {
      // By which a JWT is known to have been taken back.
      customizers: {
        jwt(_, token, jwt) {
          jwt.payload.grant = token.grantId;
        },
      },
    },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys },
  };
}

/** RFC 7662 for JWTs: active as long as the grant that it was made under. */
function introspection(provider, keys) {
  const known = jose.createLocalJWKSet({ keys: keys.map(({ d, p, q, dp, dq, qi, ...half }) => half) });
  const expected = `Basic ${Buffer.from(`${CLIENTS.server}:${SECRET}`).toString('base64')}`;
  return async (context, next) => {
    if (context.path !== '/jwt/introspection' || context.method !== 'POST') return next();
    if (context.get('authorization') !== expected) return context.throw(401);
    const token = new URLSearchParams(await text(context.req)).get('token');
    const options = { issuer: provider.issuer, typ: 'at+jwt' };
    const claims = await jose.jwtVerify(token, known, options).then(({ payload }) => payload, () => ({}));
    const grant = claims.grant && (await provider.Grant.find(claims.grant));
    context.body = grant ? { active: true, iss: claims.iss, sub: claims.sub } : { active: false };
  };
}

let handle;
const server = createServer((request, answer) => handle(request, answer));
process.on('disconnect', () => process.exit());
let others = [];
process.on('message', async ({ keys, port = 0, clients = others }) => {
  others = clients;
  if (!server.listening) await new Promise((done) => server.listen(port, '127.0.0.1', done));
  const provider = new Provider(`http://127.0.0.1:${server.address().port}`, configuration(keys, clients));
  provider.use(introspection(provider, keys));
  handle = provider.callback();
  process.send({ issuer: provider.issuer });
});
