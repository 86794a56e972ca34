// What the suite wrote, read.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a scenario leaves that threw an error: a folder and no checks. */
const BROKEN_OFF = [{ id: 'none', status: 'FAILURE', errorMessage: 'the scenario broke off' }];

/** The scenarios of a run, in a folder or in folders in it: name → checks. */
export function read(folder, scenarios = new Map(), above = '') {
  for (const entry of existsSync(folder) ? readdirSync(folder) : []) {
    const dated = /^(?:server-)?(.*)-\d{4}-\d\d-\d\dT.*$/.exec(entry);
    if (!dated) {
      read(join(folder, entry), scenarios, `${above}${entry}/`);
      continue;
    }
    const name = above + dated[1];
    if (scenarios.has(name)) throw new Error(`${folder}: ${name} is there twice`);
    const file = join(folder, entry, 'checks.json');
    scenarios.set(name, existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : BROKEN_OFF);
  }
  return scenarios;
}

/** The scenarios that a revision requires of a server or a client: its frozen list. */
export function required(suite, revision, who) {
  const text = readFileSync(join(suite, 'requirements', `${revision}.yaml`), 'utf8');
  const list = new RegExp(`^${who}:\n((?: {2}- .*\n)*)`, 'm').exec(text)[1];
  return list.trim().split('\n').map((line) => line.replace(/^ *- /, ''));
}

export const having = (checks, status) => checks.filter((check) => check.status === status);
export const broken = (checks) => [...having(checks, 'FAILURE'), ...having(checks, 'WARNING')];
export const hasPassed = (checks) =>
  broken(checks).length === 0 && having(checks, 'SUCCESS').some(({ id }) => id !== 'wire-schema-valid');
export const share = (part, whole) => `${part}/${whole}`.padStart(9);
