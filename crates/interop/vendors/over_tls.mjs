// One call by an SDK, in a process of its own: Node reads its authorities (NODE_EXTRA_CA_CERTS) at the start.
// over_tls.mjs PACKAGE URL, with the token in TOKEN: prints `{ text }`, or `{ code }` of the error of the connection.
import { PATIENCE } from './harness.mjs';

const [name, url] = process.argv.slice(2);
const old = ['@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/client/streamableHttp.js'];
const parts = await Promise.all((name === 'sdk' ? old : ['@modelcontextprotocol/client']).map((it) => import(it)));
const { Client, StreamableHTTPClientTransport } = Object.assign({}, ...parts);

let code;
const client = new Client({ name: 'vendors', version: '1' });
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.TOKEN}` } },
  fetch: async (address, init) => {
    try {
      return await fetch(address, init);
    } catch (error) {
      code ??= error.cause?.code;
      throw error;
    }
  },
});
try {
  await client.connect(transport, { timeout: PATIENCE });
  const { content } = await client.callTool({ name: 'get_time' });
  console.log(JSON.stringify({ text: content[0].text }));
} catch (error) {
  console.log(JSON.stringify({ code: code ?? error.stack }));
}
process.exit(0);
