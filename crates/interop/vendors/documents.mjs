// The hosts of clients' metadata documents, on this machine: an HTTP proxy that is every host itself, with
// certificates of an authority of its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The documents that programs here name, by address. */
const DOCUMENTS = {
  'https://chatgpt.com/oauth/codex/client.json': {
    client_name: 'Codex',
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
};

const CONFIGURATION = `[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${Object.keys(DOCUMENTS).map((address) => `DNS:${new URL(address).host}`)}
`;

/** A key and a certificate for the hosts, and the authority's certificate as a file. */
function certificate(folder) {
  const openssl = (line) => execFileSync('openssl', line.split(' '), { cwd: folder, stdio: 'pipe' });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.cnf';
  writeFileSync(join(folder, 'openssl.cnf'), CONFIGURATION);
  openssl(`req -x509 ${key} -extensions authority -subj /CN=authority -days 2 -keyout ca.key -out ca.pem`);
  openssl(`req -new ${key} -subj /CN=server -keyout server.key -out server.csr`);
  openssl('x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile openssl.cnf '
    + '-extensions server -days 2 -out server.pem');
  const read = (name) => readFileSync(join(folder, name));
  return { key: read('server.key'), cert: read('server.pem'), authority: join(folder, 'ca.pem') };
}

/** Serves them: `{ settings, stop() }`, with the settings of a server that reaches nothing else. */
export async function serveDocuments() {
  const folder = mkdtempSync(join(tmpdir(), 'documents-'));
  const { key, cert, authority } = certificate(folder);
  const hosts = createServer({ key, cert }, (request, response) => {
    const address = `https://${request.headers.host}${request.url}`;
    const document = DOCUMENTS[address];
    const headers = { 'Content-Type': 'application/json', Connection: 'close' };
    response.writeHead(document ? 200 : 404, headers);
    response.end(document && JSON.stringify({ client_id: address, ...document }));
  });
  const proxy = createProxy((request, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => {}); // who asks may go away
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    hosts.emit('connection', socket);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const settings = { HTTPS_PROXY: `http://127.0.0.1:${proxy.address().port}`, CA_FILE: authority };
  const stop = () => {
    proxy.close();
    rmSync(folder, { recursive: true });
  };
  return { settings, stop };
}
