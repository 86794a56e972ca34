// What the suite wrote, judged: node judge.mjs OUTPUT SUITE < "KIND NAME COUNT" lines
//
// The suite counts a scenario as passed when nothing in it failed, and so also when nothing was checked.
// Here a scenario has passed when none of its checks failed or warned and at least one passed that is
// its own (every scenario also checks the schema of what is sent, be that nothing).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CANNOT, FIRST_NEW } from './cross-generation.mjs';
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

/** With the token, or bare: all must pass. Across the generations all but those of `cannot`, which must not. */
function judgePassing(run, scenarios, wanted, cannot = {}) {
  let good = 0;
  for (const name of new Set([...wanted, ...scenarios.keys()])) {
    const checks = scenarios.get(name);
    if (name === LEFT_OUT && checks) {
      skipped += 1;
      if (broken(checks).length > 0 && !cannot[name]) complain(`${run}: ${name}`);
    } else if (checks && cannot[name]) {
      skipped += 1;
      const { checks: named } = cannot[name];
      const failing = [...new Set(broken(checks).map(({ id }) => id))];
      if (hasPassed(checks)) complain(`${run}: ${name} passes: it is no exception any more`);
      for (const id of named ? failing.filter((id) => !named.includes(id)) : []) complain(`${run}: ${name}: ${id}`);
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

/** Through the gateway: each check must be as it is without. */
function judgeEqual(run, scenarios, bare) {
  const judged = (checks) => (checks ?? []).filter(({ status }) => status !== 'INFO');
  const said = (checks) => judged(checks).map(({ id, status }) => `${id} ${status}`).sort().join('\n');
  for (const [name, checks] of scenarios) {
    if (said(checks) !== said(bare.get(name))) complain(`${run}: ${name} is not as it is without the gateway`);
  }
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
const refusals = [];
const crossings = [];
for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const [kind, revision, count, extra] = line.split(' ');
  const run = `${kind} ${revision}`;
  const total = Number(count) + Number(extra);
  const scenariosOf = (way) => {
    const scenarios = read(join(output, way, `${kind}-${revision}`));
    if (scenarios.size !== total) complain(`${way} ${run}: ${scenarios.size} scenarios instead of ${total}`);
    return scenarios;
  };
  const bare = scenariosOf('bare');
  const wanted = kind === 'required' ? required(suite, revision, 'server') : [...bare.keys()];
  if (wanted.length !== Number(count)) complain(`${run}: ${wanted.length} wanted instead of ${count}`);
  const judged = (way, scenarios, cannot) => {
    const good = judgePassing(`${way} ${run}`, scenarios, wanted, cannot);
    const all = [...scenarios].filter(([name]) => !cannot?.[name]).flatMap(([, checks]) => checks);
    const checks = having(all, 'SUCCESS').length;
    const exceptions = wanted.filter((name) => cannot?.[name]).length;
    return [share(good, count - exceptions), share(checks, checks + broken(all).length)];
  };
  const row = judged('bare', bare);
  for (const way of ['guarded', 'gateway-stdio', 'gateway-http']) {
    const scenarios = scenariosOf(way);
    row.push(...judged(way, scenarios));
    if (way !== 'guarded') judgeEqual(`${way} ${run}`, scenarios, bare);
  }
  rows.push([run, row]);
  const refused = ['guarded', 'gateway-stdio', 'gateway-http'].map((way) => {
    const scenarios = scenariosOf(`${way}-no-token`);
    const named = scenarios.has(LEFT_OUT) + scenarios.has(PASSES_REFUSED);
    return share(judgeRefused(`${way}, no token, ${run}`, scenarios), total - named);
  });
  refusals.push([run, refused]);
  const way = revision < FIRST_NEW ? 'new-server' : 'old-server';
  const cannot = CANNOT[way];
  crossings.push([`${run}, ${way}`, [...judged(way, scenariosOf(way), cannot), share(wanted.filter((name) => cannot[name]).length, count)]]);
}
const table = (head, lines) => {
  console.log(head);
  for (const [name, cells] of lines) console.log(`${name.padEnd(34)} ${cells.join(' ')}`);
};
const both = 'scenarios    checks  ';
console.log(`${' '.repeat(36)}bare                 guarded              gateway, stdio       gateway, HTTP`);
table(`${'run'.padEnd(36)}${both.repeat(4).trimEnd()}`, rows);
table(`${'refused without a token'.padEnd(36)}guarded gateway, stdio  HTTP`, refusals);
table(`${'gateway between the generations'.padEnd(36)}${both}exceptions`, crossings);
console.log(`${'conformance, server'.padEnd(44)} ${String(passed).padStart(5)} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
