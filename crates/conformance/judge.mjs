// What the suite wrote, judged: node judge.mjs OUTPUT SUITE < "KIND NAME COUNT" lines
//
// The suite counts a scenario as passed when nothing in it failed, and so also when nothing was checked.
// Here a scenario has passed when none of its checks failed or warned and at least one passed that is
// its own (every scenario also checks the schema of what is sent, be that nothing).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { broken, hasPassed, having, read, required, share } from './results.mjs';

const [output, suite] = process.argv.slice(2);
/** The one scenario that the suite itself leaves out, in every run. */
const LEFT_OUT = 'tasks-status-notifications';
/** It asks for a JSON-RPC error, which a refusal without a token is, too. */
const PASSES_REFUSED = 'input-required-result-validate-input';

let passed = 0;
let failed = 0;
let skipped = 0;
const complain = (text) => {
  failed += 1;
  console.log(`FAILED  ${text}`);
};

/** With the token, or bare: all must pass. */
function judgePassing(run, scenarios, wanted) {
  let good = 0;
  for (const name of new Set([...wanted, ...scenarios.keys()])) {
    const checks = scenarios.get(name);
    if (name === LEFT_OUT && checks) {
      skipped += 1;
      if (broken(checks).length > 0) complain(`${run}: ${name}`);
    } else if (checks && hasPassed(checks)) {
      passed += 1;
      if (wanted.includes(name)) good += 1;
    } else {
      complain(`${run}: ${name}${checks ? '' : ' was not run'}`);
      for (const check of broken(checks ?? [])) console.log(`          ${check.id}: ${check.errorMessage}`);
    }
  }
  return good;
}

/** Without the token: each must fail. */
function judgeRefused(run, scenarios) {
  let refused = 0;
  for (const [name, checks] of scenarios) {
    if (name === LEFT_OUT || name === PASSES_REFUSED) {
      skipped += 1;
      continue;
    }
    if (having(checks, 'FAILURE').length > 0) refused += 1;
    else complain(`${run}: ${name} passed`);
  }
  passed += refused;
  return refused;
}

const rows = [];
for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const [kind, revision, count, extra] = line.split(' ');
  const run = `${kind} ${revision}`;
  const row = { run, cells: [] };
  for (const way of ['guarded', 'gateway', 'bare', 'no-token']) {
    const scenarios = read(join(output, way, `${kind}-${revision}`));
    const total = Number(count) + Number(extra);
    if (scenarios.size !== total) complain(`${way} ${run}: ${scenarios.size} scenarios instead of ${total}`);
    if (way === 'no-token') {
      row.cells.push(share(judgeRefused(`${way} ${run}`, scenarios), total - scenarios.has(LEFT_OUT) - scenarios.has(PASSES_REFUSED)));
      continue;
    }
    const wanted = kind === 'required' ? required(suite, revision, 'server') : [...scenarios.keys()];
    if (wanted.length !== Number(count)) complain(`${way} ${run}: ${wanted.length} wanted instead of ${count}`);
    const good = judgePassing(`${way} ${run}`, scenarios, wanted);
    const all = [...scenarios.values()].flat();
    const checks = having(all, 'SUCCESS').length;
    row.cells.push(share(good, count), share(checks, checks + broken(all).length));
  }
  rows.push(row);
}
console.log('                        guarded              gateway, stdio       bare                no token');
console.log('run                     scenarios    checks  scenarios    checks  scenarios    checks  refused');
for (const { run, cells } of rows) console.log(`${run.padEnd(22)} ${cells.join(' ')}`);
console.log(`${'conformance, server'.padEnd(44)} ${String(passed).padStart(5)} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
