// What jose says of each token that the example `mutants` printed, in lines of JSON: judge.mjs <MUTANTS
import { createInterface } from 'node:readline';

import * as jose from 'jose';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { keys, expected } = JSON.parse((await lines.next()).value);

// A set of keys is asked for the token's `kid`; a secret is in no set.
const verifiers = Object.fromEntries(
  Object.entries(keys).map(([alg, jwk]) => [
    alg,
    jwk.kty === 'oct' ? jose.base64url.decode(jwk.k) : jose.createLocalJWKSet({ keys: [jwk] }),
  ]),
);

const output = [];
for await (const line of lines) {
  const { alg, at, token } = JSON.parse(line);
  // As strict as its options make it. `maxTokenAge` is what makes it look whether `iat` is in the future.
  const options = {
    algorithms: [alg],
    audience: expected.audience,
    clockTolerance: expected.leeway,
    currentDate: new Date(at * 1000),
    issuer: expected.issuer,
    maxTokenAge: '1000 years',
    requiredClaims: ['iss', 'aud', 'exp', 'sub'],
    typ: 'at+jwt',
  };
  const verdict = await jose.jwtVerify(token, verifiers[alg], options).then(
    () => 'accept',
    (error) => `${error.code ?? error.name}: ${error.message}`,
  );
  output.push(`${JSON.stringify(verdict)}\n`);
}
process.stdout.write(output.join(''));
