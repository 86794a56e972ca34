// What the suite wrote of our client, judged: node judge-client.mjs OUTPUT SUITE < "KIND REVISION COUNT" lines
//
// As for the server: a scenario has passed when none of its checks failed or warned and at least one passed
// that is its own. Every scenario that is run must, but for what rmcp does not offer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { broken, hasPassed, having, read, required, share } from './results.mjs';

const [output, suite] = process.argv.slice(2);
/** Proof of possession (RFC 9449): rmcp has none. */
const NOT_OFFERED = ['auth/dpop', 'auth/dpop-nonce'];

let [passed, failed, skipped] = [0, 0, 0];
const rows = [];
for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const [kind, revision, count] = line.split(' ');
  const run = `${kind} ${revision}`;
  const complain = (text) => {
    failed += 1;
    console.log(`FAILED  client ${run}: ${text}`);
  };
  const scenarios = read(join(output, 'client', `${kind}-${revision}`));
  for (const name of NOT_OFFERED) skipped += Number(scenarios.delete(name));
  if (scenarios.size !== Number(count)) complain(`${scenarios.size} scenarios instead of ${count}`);
  const wanted = kind === 'required' ? required(suite, revision, 'client') : [];
  let good = 0;
  for (const name of new Set([...wanted, ...scenarios.keys()])) {
    const checks = scenarios.get(name);
    if (checks && hasPassed(checks)) {
      good += 1;
      passed += 1;
      continue;
    }
    complain(`${name}${checks ? '' : ' was not run'}`);
    for (const check of broken(checks ?? [])) console.log(`          ${check.id}: ${check.errorMessage ?? check.description}`);
  }
  const all = [...scenarios.values()].flat();
  const checks = having(all, 'SUCCESS').length;
  rows.push([run, share(good, count), share(checks, checks + broken(all).length), share(wanted.filter((name) => hasPassed(scenarios.get(name) ?? [])).length, wanted.length)]);
}
console.log('run (our client)       scenarios    checks  required');
for (const [run, ...cells] of rows) console.log(`${run.padEnd(22)} ${cells.join(' ')}`);
console.log(`${'conformance, client'.padEnd(44)} ${String(passed).padStart(5)} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
