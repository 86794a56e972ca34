// MCP clients of other vendors as programs without a screen: how each is started, signs in and calls a tool.
//
// Each has a home of its own, and a "browser" that is browser.mjs. Only loopback can be reached: everything else
// is sent to a proxy that does not exist.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { PATIENCE } from './harness.mjs';

const HERE = import.meta.dirname;
const packages = (...path) => join(HERE, 'node_modules', ...path);
const NOWHERE = 'http://127.0.0.1:9';

/** A home for one program: its files, its environment, and what its browser did. */
export class Home {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'program-'));
    this.trace = join(this.folder, 'trace');
    const [browser, bin] = [join(HERE, 'browser.mjs'), join(this.folder, 'bin')];
    mkdirSync(bin);
    this.browser = join(bin, 'xdg-open');
    writeFileSync(this.browser, `#!/bin/sh\nexec "${process.execPath}" "${browser}" "$@"\n`);
    chmodSync(this.browser, 0o755);
    this.environment = {
      HOME: this.folder,
      PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`,
      LC_ALL: 'C.UTF-8',
      TMPDIR: this.folder,
      BROWSER: this.browser,
      SIGN_IN_USER: 'alice',
      TRACE: this.trace,
      HTTP_PROXY: NOWHERE,
      HTTPS_PROXY: NOWHERE,
      NO_PROXY: 'localhost,127.0.0.1',
    };
  }

  /** What the browser did, a line for each step. */
  get steps() {
    return existsSync(this.trace) ? readFileSync(this.trace, 'utf8').trim().split('\n') : [];
  }

  /** How often a browser was opened. */
  get opened() {
    return this.steps.filter((line) => line.startsWith('opened ')).length;
  }

  write(name, text) {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs a program to its end: `{ code, stdout, stderr }`. `input` is typed; `onLine` sees its stderr. */
  run(program, args, { input = '', settings = {}, onLine } = {}) {
    const options = { cwd: this.folder, env: { ...this.environment, ...settings }, stdio: 'pipe' };
    const child = spawn(program, args, options);
    const kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    let [stdout, stderr, rest] = ['', '', ''];
    child.stdin.on('error', () => {}); // it may end before it has read all
    child.stdin.write(input);
    if (!onLine) child.stdin.end();
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => {
      stderr += data;
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) onLine?.(line, child.stdin);
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(kill);
        resolve({ code, stdout, stderr });
      });
    });
  }

  node(script, args, options) {
    return this.run(process.execPath, [script, ...args], options);
  }

  remove() {
    // A daemon of mcpc may still be writing.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** The result of a program that succeeded. */
function good({ code, stdout, stderr }) {
  if (code !== 0) throw new Error(`it ended with ${code}: ${stdout} ${stderr}`);
  return stdout;
}

/** The first text of a tool's result. */
const text = (result) => result.content[0].text;

/** Codex's executable for this machine, which is in a package of its own. */
function codex() {
  const [os, cpu] = [process.platform, process.arch];
  const triple = `${{ x64: 'x86_64', arm64: 'aarch64' }[cpu]}-${os === 'darwin' ? 'apple-darwin' : 'unknown-linux-musl'}`;
  return packages(`@openai/codex-${os}-${cpu}`, 'vendor', triple, 'bin', 'codex');
}

/** A call of a tool by Codex's app-server, which speaks JSON-RPC in lines. */
async function codexCall(home, tool) {
  const requests = {
    initialize: { clientInfo: { name: 'vendors', version: '1' } },
    'thread/start': { ephemeral: true },
  };
  const child = spawn(codex(), ['app-server'], { cwd: home.folder, env: home.environment, stdio: 'pipe' });
  const kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  let [stderr, rest, id] = ['', '', 0];
  const waiting = new Map();
  child.stderr.on('data', (data) => (stderr += data));
  child.stdout.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const message of lines.map((line) => JSON.parse(line))) waiting.get(message.id)?.(message);
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const call = async (method, params) => {
    const answered = new Promise((resolve) => waiting.set((id += 1), resolve));
    child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    const answer = await Promise.race([answered, ended]);
    if (!answer?.result) throw new Error(`${method}: ${JSON.stringify(answer)} ${stderr}`);
    return answer.result;
  };
  try {
    await call('initialize', requests.initialize);
    child.stdin.write('{"method":"initialized"}\n');
    const { thread } = await call('thread/start', requests['thread/start']);
    return text(await call('mcpServer/tool/call', { threadId: thread.id, server: 's', tool, arguments: {} }));
  } finally {
    child.kill();
    await ended;
    clearTimeout(kill);
  }
}

/**
 * The programs. `prepare` writes what a person would configure, which is the server's address; `call` signs in,
 * if need be, and answers with the text that the tool gave. `signIn` is there where that is a step of its own.
 */
export const PROGRAMS = {
  'mcp-remote': {
    async call(home, url, tool) {
      const client = new Client({ name: 'vendors', version: '1' });
      const args = [packages('mcp-remote/dist/proxy.js'), url];
      const transport = new StdioClientTransport({
        command: process.execPath, args, env: home.environment, cwd: home.folder, stderr: 'ignore',
      });
      try {
        await client.connect(transport, { timeout: PATIENCE });
        return text(await client.callTool({ name: tool, arguments: {} }));
      } finally {
        await client.close();
      }
    },
  },
  mcporter: {
    prepare: (home, url) => home.write('mcporter.json', JSON.stringify({ mcpServers: { s: { url, auth: 'oauth' } } })),
    async call(home, url, tool) {
      const args = ['--config', join(home.folder, 'mcporter.json'), 'call', `s.${tool}`, '--output', 'json'];
      return good(await home.node(packages('mcporter/dist/cli.js'), args));
    },
  },
  mcpc: {
    async signIn(home, url) {
      good(await home.node(packages('@apify/mcpc/bin/mcpc'), ['--json', 'login', url]));
      // It gives its own process five seconds to start, which a busy machine may exceed.
      let run;
      for (let tries = 0; tries < 3; tries++) {
        run = await home.node(packages('@apify/mcpc/bin/mcpc'), ['--json', 'connect', url, '@s']);
        if (!run.stdout.includes('Bridge failed to start') && !run.stderr.includes('Bridge failed to start')) break;
        await home.node(packages('@apify/mcpc/bin/mcpc'), ['close', '@s']);
      }
      good(run);
    },
    async call(home, url, tool) {
      const run = await home.node(packages('@apify/mcpc/bin/mcpc'), ['--json', '@s', 'tools-call', tool]);
      return text(JSON.parse(good(run)));
    },
    end: (home) => home.node(packages('@apify/mcpc/bin/mcpc'), ['close', '@s']),
  },
  Inspector: {
    async call(home, url, tool) {
      const launcher = packages('@modelcontextprotocol/inspector/clients/launcher/build/index.js');
      const method = ['--method', 'tools/call', '--tool-name', tool, '--format', 'json'];
      const settings = { MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' };
      const run = await home.node(launcher, ['--cli', '--server-url', url, ...method], { settings });
      return text(JSON.parse(good(run)).result);
    },
  },
  'Gemini CLI': {
    prepare: (home, url) => home.write('.gemini/settings.json', JSON.stringify({ mcpServers: { s: { httpUrl: url } } })),
    async call(home, url, tool) {
      const run = await home.node(join(HERE, 'gemini.mjs'), [url, tool], { input: 'y\n' });
      return text(JSON.parse(good(run).split('\n').find((line) => line.startsWith('{'))));
    },
  },
  Codex: {
    prepare(home, url) {
      // No account, no model: only its MCP client is used.
      home.write('.codex/config.toml', `
mcp_oauth_credentials_store = "file"
check_for_update_on_startup = false
model_provider = "nowhere"
model = "none"
[model_providers.nowhere]
name = "nowhere"
base_url = "${NOWHERE}/v1"
[analytics]
enabled = false
[mcp_servers.s]
url = "${url}"
`);
    },
    signIn: async (home) => good(await home.run(codex(), ['mcp', 'login', 's'])),
    call: (home, url, tool) => codexCall(home, tool),
  },
};
