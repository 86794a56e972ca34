// The browser of a test: follows an authorization URL as a person would, without a window.
//
// As a program (`node browser.mjs URL`) it is what the clients start as BROWSER or `xdg-open`: it fills in the
// sign-in form with SIGN_IN_USER and SIGN_IN_SECRET, allows what is asked (DECISION=deny: declines), and
// follows the redirect to the client's loopback address (`--print` prints that address instead). It keeps no
// cookies from one run to the next, and appends to the file TRACE what it did.
// It reads forms by their fields and buttons alone, so that the text and the order of a page may change.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const PATIENCE = 30_000; // milliseconds, for one request
const PAGES = 12; // a sign-in with a second step, consent and the way back are fewer

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function decoded(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
}

/** The attributes of a tag, by name. */
function attributes(tag) {
  const found = {};
  for (const [, name, double, single, bare] of tag.matchAll(
    /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g,
  )) {
    found[name.toLowerCase()] = decoded(double ?? single ?? bare ?? '');
  }
  return found;
}

/** The forms of a page: `{ method, action, fields, buttons }`, with each field's attributes. */
export function forms(html) {
  const found = [];
  const page = html.replace(/<!--[\s\S]*?-->/g, '');
  for (const [, start, inside] of page.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const { method = 'get', action = '' } = attributes(start);
    const [fields, buttons] = [[], []];
    for (const [, kind, rest] of inside.matchAll(/<(input|button|select|textarea)\b([^>]*)>/gi)) {
      const field = attributes(rest);
      const submits = kind.toLowerCase() === 'button' ? (field.type ?? 'submit') === 'submit' : field.type === 'submit';
      (submits ? buttons : fields).push(field);
    }
    found.push({ method: method.toLowerCase(), action, fields, buttons });
  }
  return found;
}

/** The words of a page. */
export const words = (html) => {
  const body = html.replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, '');
  return decoded(body.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();
};

/**
 * A browser with cookies. `secret()` is asked when the sign-in form wants one: a password, or a code that
 * is good once.
 */
export class Browser {
  constructor({ user = 'alice', secret, decision = 'allow', scopes, trace = () => {} }) {
    Object.assign(this, { user, secret, decision, scopes, trace });
    this.cookies = new Map(); // name → value, of the one server that is visited
    this.seen = []; // { method, url, status, text } of each page of the server
  }

  /** One request, and no redirect followed: `{ status, headers, location, text }`. */
  async request(url, { method = 'GET', form } = {}) {
    const headers = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
    if (this.origin === url.origin && this.cookies.size) {
      headers.Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    if (form) Object.assign(headers, { 'Content-Type': 'application/x-www-form-urlencoded', Origin: url.origin });
    const answer = await fetch(url, {
      method,
      headers,
      body: form?.toString(),
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (this.origin === url.origin) {
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=;\s]+)=([^;]*)/.exec(line) ?? [];
        if (/;\s*max-age=0\b/i.test(line)) this.cookies.delete(name);
        else if (name) this.cookies.set(name, value);
      }
    }
    const [location, text] = [answer.headers.get('location'), await answer.text()];
    this.trace(`${method} ${url.pathname} ${answer.status}`);
    if (this.origin === url.origin) this.seen.push({ method, url: url.href, status: answer.status, text });
    return { status: answer.status, headers: answer.headers, location, text };
  }

  /** What a person submits in a form, or `undefined` if it is not one for them to fill in here. */
  async filled({ fields, buttons }, { code } = {}) {
    const named = (name) => fields.some((field) => field.name === name);
    const values = buttons.filter(({ name }) => name === 'decision').map(({ value }) => value);
    // A page that asks about what is known already has a button to go on with that.
    const choices = this.decision === 'allow' && !this.scopes ? ['continue', 'allow'] : [this.decision];
    const decision = choices.find((choice) => values.includes(choice));
    if (values.length > 0 && !decision) throw new Error(`no button to ${this.decision}`);
    if (!decision && !named('secret') && !named('user_code')) return undefined;
    const form = new URLSearchParams();
    for (const { name, type = 'text', value = '', checked } of fields) {
      if (!name) continue;
      if (type === 'checkbox' || type === 'radio') {
        const scope = /^scope:(.*)$/.exec(name)?.[1];
        const wanted = scope && this.scopes ? this.scopes.includes(scope) : checked !== undefined;
        if (wanted) form.append(name, value || 'on');
      } else if (name === 'user') form.append(name, this.user);
      else if (name === 'secret') form.append(name, await this.secret());
      else if (name === 'user_code') form.append(name, code ?? value);
      else form.append(name, value);
    }
    if (decision) form.append('decision', decision);
    return form;
  }

  /**
   * Opens an address of the server and does what the pages ask, until the server sends the browser away.
   * Answers with `{ at }`, the address that it is sent to, or with `{ status, text }` of a page without more
   * to do.
   */
  async open(address, { code } = {}) {
    let url = new URL(address);
    this.origin = url.origin;
    let answer = await this.request(url);
    let signedIn = false;
    for (let page = 0; page < PAGES; page += 1) {
      if (answer.location !== null && answer.status >= 300 && answer.status < 400) {
        const next = new URL(answer.location, url);
        if (next.origin !== this.origin) return { at: answer.location };
        url = next;
        answer = await this.request(url);
        continue;
      }
      const onward = /<meta\b[^>]*http-equiv="refresh"[^>]*>/i.exec(answer.text);
      if (onward) {
        const next = new URL(attributes(onward[0].slice('<meta'.length, -1)).content.replace(/^[^=]*=/, ''), url);
        if (next.origin !== this.origin) return { at: next.href };
        url = next;
        answer = await this.request(url);
        continue;
      }
      let [submitted, where] = [undefined, undefined];
      for (const candidate of forms(answer.text)) {
        if (candidate.method !== 'post') continue;
        if (candidate.fields.some(({ name }) => name === 'secret')) {
          if (signedIn) throw new Error(`the sign-in was refused: ${answer.status} ${words(answer.text)}`);
          signedIn = true;
        }
        const form = await this.filled(candidate, { code });
        if (form === undefined) continue;
        [submitted, where] = [form, new URL(candidate.action, url)];
        break;
      }
      if (submitted === undefined) return { status: answer.status, text: words(answer.text) };
      url = where;
      answer = await this.request(url, { method: 'POST', form: submitted });
    }
    throw new Error(`still not done after ${PAGES} pages: ${words(answer.text)}`);
  }

  /** Opens an address, and follows the redirect to the client's own: what that answers, or the last page. */
  async visit(address, options) {
    const end = await this.open(address, options);
    if (end.at === undefined) return end;
    const start = Date.now();
    for (;;) {
      try {
        const answer = await this.request(new URL(end.at));
        return { at: end.at, status: answer.status, text: words(answer.text) };
      } catch (error) {
        // FastMCP listens only after it has started the browser.
        if (error.cause?.code !== 'ECONNREFUSED' || Date.now() - start > PATIENCE) throw error;
        await sleep(50);
      }
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { SIGN_IN_USER: user, SIGN_IN_SECRET: secret, DECISION: decision, TRACE: file } = process.env;
  const note = (line) => file && appendFileSync(file, `${line}\n`);
  const [address, prints] = [process.argv.at(-1), process.argv.includes('--print')];
  note(`opened ${new URL(address).pathname}`);
  const browser = new Browser({ user, secret: () => secret, decision, trace: note });
  try {
    const end = await (prints ? browser.open(address) : browser.visit(address));
    if (prints && end.at) console.log(end.at);
    note(end.at ? `sent to ${new URL(end.at).host}` : `left at a page: ${end.status} ${end.text}`);
  } catch (error) {
    note(`failed: ${error.stack}`);
    process.exitCode = 1;
  }
}
