// The pages of the authorization server in a real browser: every page of the gallery at two widths and in
// both colour schemes. What a person sees is kept as pictures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import puppeteer from 'puppeteer-core';

const WIDTHS = [320, 1280];
const SCHEMES = ['light', 'dark'];
// WCAG 2.2, levels A and AA, and what axe recommends beyond.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const folder = mkdtempSync(join(tmpdir(), 'gallery-'));
const pictures = process.env.PICTURES && join(process.env.PICTURES, 'pages');
execFileSync(join(process.env.BINARIES, 'examples/gallery'), [folder]);
const gallery = JSON.parse(readFileSync(join(folder, 'pages.json'), 'utf8'));
const names = Object.keys(gallery).filter((name) => name.endsWith('.html'));

let server, origin, browser;

/** A listener on a loopback address, and its port. */
function listen(host, handler) {
  return new Promise((resolve) => {
    const listener = createServer(handler).listen(0, host, () => resolve([listener, listener.address().port]));
  });
}

before(async () => {
  if (pictures) mkdirSync(pictures, { recursive: true });
  let port;
  // As the authorization server answers: the same bytes, status and headers. Below a path too.
  [server, port] = await listen('127.0.0.1', (request, response) => {
    const name = new URL(request.url, origin).pathname.replace(/^\/(auth\/)?/, '');
    const page = gallery[name];
    if (!page) return response.writeHead(404).end();
    // A page that leads on stays here, to be looked at.
    const body = readFileSync(join(folder, name), 'utf8').replace(/<meta http-equiv="refresh"[^>]*>/, '');
    response.writeHead(page.status, { ...page.headers, 'content-length': Buffer.byteLength(body) }).end(body);
  });
  origin = `http://127.0.0.1:${port}`;
  browser = await puppeteer.launch({
    args: chromium.args,
    executablePath: process.env.CHROMIUM,
    headless: 'shell',
  });
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a page of the gallery, and returns what the browser complains about. */
async function open(tab, name) {
  const complaints = [];
  const listener = (message) => complaints.push(message.text());
  tab.on('console', listener);
  await tab.goto(`${origin}/${name}`, { waitUntil: 'load' });
  tab.off('console', listener);
  // The status of an error page is one line of the console.
  return complaints.filter((line) => !line.startsWith('Failed to load resource: the server responded with'));
}

/** What axe finds, one line for each element. */
async function violations(tab) {
  const found = await tab.evaluate(async (rules) => {
    const { violations } = await window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }, RULES);
  return found.flat();
}

describe('pages of the authorization server', { concurrency: 4 }, () => {
  for (const name of names) {
    test(name, async () => {
      const tab = await browser.newPage();
      try {
        await tab.setViewport({ width: WIDTHS[0], height: 800 });
        assert.deepEqual(await open(tab, name), [], name);
        await tab.evaluate(axe.source);
        for (const width of WIDTHS) {
          for (const scheme of SCHEMES) {
            const where = `${name} at ${width} pixels, ${scheme}`;
            await tab.setViewport({ width, height: 800 });
            await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
            const [scroll, border] = await tab.evaluate(() => {
              const { borderTopStyle } = getComputedStyle(document.querySelector('main'));
              return [document.documentElement.scrollWidth, borderTopStyle];
            });
            if (pictures) {
              const path = join(pictures, `${name.replace('.html', '')}-${width}-${scheme}.png`);
              await tab.screenshot({ path, fullPage: true, optimizeForSpeed: true });
            }
            assert.equal(border, 'solid', `${where}: without the style sheet`);
            assert.equal(scroll, width, `${where}: it scrolls sideways`);
            // Structure and size differ by width, colours by scheme: two of the four are enough.
            const isJudged = (width === WIDTHS[0]) === (scheme === SCHEMES[0]);
            if (isJudged) assert.deepEqual(await violations(tab), [], where);
          }
        }
      } finally {
        await tab.close();
      }
    });
  }

  test('every control is reached by the Tab key, and seen when it is', async () => {
    const tab = await browser.newPage();
    await tab.setViewport({ width: WIDTHS[0], height: 800 });
    for (const name of names) {
      await open(tab, name);
      const count = await tab.evaluate(() => {
        const all = [...document.querySelectorAll('a[href], button, input, summary')];
        return all.filter((it) => it.checkVisibility() && !it.disabled && it.type !== 'hidden').length;
      });
      const reached = new Set();
      // Once around, by way of the browser's own controls.
      for (let presses = 0; presses <= count; presses += 1) {
        await tab.keyboard.press('Tab');
        const focused = await tab.evaluate(() => {
          const element = document.activeElement;
          if (element === document.body) return null;
          const { outlineStyle } = getComputedStyle(element);
          const { width, height } = element.getBoundingClientRect();
          return [[...document.querySelectorAll('*')].indexOf(element), outlineStyle, width, height];
        });
        if (!focused) continue;
        const [index, style, width, height] = focused;
        reached.add(index);
        assert.notEqual(style, 'none', `${name}: the focus is not seen`);
        assert.ok(width >= 24 && height >= 24, `${name}: a target of ${width} × ${height} pixels`);
      }
      assert.equal(reached.size, count, `${name}: not every control is reached`);
    }
    await tab.close();
  });

  test('with forced colours nothing scrolls sideways and the focus is seen', async () => {
    const tab = await browser.newPage();
    const session = await tab.createCDPSession();
    for (const name of ['consent.html', 'account.html', 'sign-in-wrong.html']) {
      await tab.setViewport({ width: 320, height: 800 });
      await session.send('Emulation.setEmulatedMedia', { features: [{ name: 'forced-colors', value: 'active' }] });
      await tab.goto(`${origin}/${name}`);
      assert.equal(await tab.evaluate(() => matchMedia('(forced-colors: active)').matches), true);
      assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth), 320);
      if (pictures) await tab.screenshot({ path: join(pictures, `${name.replace('.html', '')}-forced.png`), fullPage: true });
    }
    await tab.close();
  });

  test('the Enter key on a box of the consent page decides nothing', async () => {
    const tab = await browser.newPage();
    let posts = 0;
    tab.on('request', (request) => (posts += request.method() === 'POST'));
    for (const name of ['consent.html', 'consent-known.html', 'device-confirm.html']) {
      await open(tab, name);
      await tab.evaluate(() => document.querySelectorAll('details').forEach((it) => (it.open = true)));
      await tab.focus('input[type=checkbox]');
      await tab.keyboard.press('Enter');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.equal(posts, 0);
    await tab.close();
  });

  test('a page in place of a redirect leads on by itself', async () => {
    const [callback, port] = await listen('127.0.0.1', (_, response) => response.end('back'));
    const { headers } = gallery['onward-denied.html'];
    const body = readFileSync(join(folder, 'onward-denied.html'), 'utf8');
    const url = `http://127.0.0.1:${port}/callback`;
    const [onward, onwardPort] = await listen('127.0.0.1', (_, response) => {
      response.writeHead(200, headers).end(body.replaceAll('https://claude.ai/cb', url));
    });
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${onwardPort}/`);
    await tab.waitForFunction(() => document.body.innerText === 'back');
    assert.equal(tab.url(), `${url}?error=x`);
    await tab.close();
    onward.close();
    callback.close();
  });

  // What `form-action` names for each kind of redirect URI, as the unit tests have it.
  for (const [name, host, source] of [
    ['127.0.0.1', '127.0.0.1', (port) => `http://127.0.0.1:${port}`],
    ['localhost', '127.0.0.1', (port) => `http://localhost:${port}`],
    ['[::1]', '::1', (port) => `http://*:${port}`],
  ]) {
    test(`a form leads to ${name} and nowhere else`, async () => {
      const [callback, port] = await listen(host, (_, response) => response.end('back'));
      const page = gallery['consent.html'];
      const policy = page.headers['content-security-policy'];
      let location;
      const [form, formPort] = await listen('127.0.0.1', (request, response) => {
        if (request.method === 'POST') return response.writeHead(303, { location }).end();
        const own = policy.replace("form-action 'self' http://127.0.0.1:33418", `form-action 'self' ${source(port)}`);
        assert.notEqual(own, policy);
        response.writeHead(200, { ...page.headers, 'content-security-policy': own });
        response.end(readFileSync(join(folder, 'consent.html')));
      });
      const tab = await browser.newPage();
      const decide = async (to) => {
        location = to;
        await tab.goto(`http://127.0.0.1:${formPort}/`);
        const refused = new Promise((resolve) => tab.once('console', (message) => resolve(message.text())));
        const left = tab.waitForNavigation().then(() => 'left', () => 'closed');
        await tab.click('button[value=allow]');
        return Promise.race([refused, left]);
      };
      assert.equal(await decide(`http://${name}:${port}/callback`), 'left');
      assert.equal(tab.url(), `http://${name}:${port}/callback`);
      assert.match(await decide(`${origin}/sign-in.html`), /violates the following Content Security Policy/);
      await tab.close();
      form.close();
      callback.close();
    });
  }
});
