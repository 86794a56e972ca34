// The recipes of docs/gateway-servers.md, and the programs that they name, as installed here.
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const HERE = import.meta.dirname;
const PYTHONS = { PYTHON: [], PYTHON_MCP1: ['--with', 'mcp<2'] }; // and what uvx needs for such an environment

/** The fenced blocks of a text, by language, in order. */
const blocks = (text, language) =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, of]) => of === language).map(([, , inside]) => inside);

/** A key of a section of TOML: its value is JSON too. */
const value = (section, key) => {
  const found = new RegExp(`^${key} = (.*)$`, 'm').exec(section)?.[1];
  return found && JSON.parse(found);
};

/**
 * The recipes: `{ name, section, command, url, environment, rules, commands, program }`, where `rules` are lines
 * of the suggested policy, `commands` those of a shell, and `program` is Python.
 */
export function recipes() {
  const page = readFileSync(join(process.env.DOCS, 'gateway-servers.md'), 'utf8');
  return page.split(/^## /m).slice(1).flatMap((part) => {
    const [section, suggested] = blocks(part, 'toml');
    const name = /^\[upstreams\.([a-z]+)\]$/m.exec(section ?? '')?.[1];
    if (!name) return [];
    return {
      name,
      section,
      command: value(section, 'command'),
      url: value(section, 'url'),
      environment: value(section, 'environment') ?? [],
      rules: suggested.trim().split('\n').filter((line) => !line.startsWith('#') && !line.startsWith('[')),
      commands: blocks(part, 'sh').join('').trim().split('\n'),
      program: blocks(part, 'python')[0],
    };
  });
}

/** The arguments of a line for a shell, without quotes or substitutions. */
export const words = (line) => line.trim().split(/ +/);

/**
 * Makes `npx` and `uvx` in `folder`, which run what is installed here, in the version that is asked for, and
 * nothing else. `more` has variables and arguments by package that the test adds.
 */
export function runners(folder, more) {
  mkdirSync(folder, { recursive: true });
  const write = (name, lines) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${lines.join('\n')}\necho "not installed: $*" >&2\nexit 1\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const line = (first, program, name) => {
    const { environment = '', args = '' } = more[name] ?? {};
    return `case "$* " in "${first.join(' ')} "*) shift ${first.length}; ${environment} exec ${program} "$@" ${args};; esac`;
  };
  const packages = join(HERE, 'node_modules');
  const npm = ['@modelcontextprotocol', '@playwright'].flatMap((scope) =>
    readdirSync(join(packages, scope)).map((name) => `${scope}/${name}`),
  );
  write('npx', npm.flatMap((name) => {
    const { version, bin } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'));
    const program = bin && join(packages, name, Object.values(bin)[0]);
    return program ? [line(['-y', `${name}@${version}`], `"${process.execPath}" "${program}"`, name)] : [];
  }));
  write('uvx', Object.entries(PYTHONS).flatMap(([variable, needs]) => {
    const bin = dirname(process.env[variable]);
    const lib = join(bin, '../lib');
    const site = join(lib, readdirSync(lib)[0], 'site-packages');
    const versions = readdirSync(site).map((it) => /^(mcp_server_\w+)-(.*)\.dist-info$/.exec(it)).filter(Boolean);
    return versions.map(([, under, version]) => {
      const name = under.replaceAll('_', '-');
      if (!existsSync(join(bin, name))) throw new Error(`no ${name} in ${bin}`);
      return line([...needs, `${name}@${version}`], `"${join(bin, name)}"`, name);
    });
  }));
}
