// Adds the bearer token to every request and changes nothing else: TOKEN=… node proxy.mjs UPSTREAM_URL
// Prints its own URL. Header names, their case, order and repetitions stay as they were, Host included;
// bodies and streams pass as they come; a connection that ends on one side ends on the other.
import http from 'node:http';

const upstream = new URL(process.argv[2]);
const token = process.env.TOKEN;

const server = http.createServer((request, response) => {
  const headers = [...request.rawHeaders];
  if (token && !('authorization' in request.headers)) headers.push('Authorization', `Bearer ${token}`);
  const { method } = request;
  const { hostname, port } = upstream;
  const onward = http.request({ hostname, port, path: request.url, method, headers, setHost: false, agent: false });
  onward.setNoDelay();
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  onward.on('error', () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  response.on('close', () => onward.destroy());
  request.pipe(onward);
});
server.on('connection', (socket) => socket.setNoDelay());
server.requestTimeout = 0;
// A connection that is kept ends when its client ends it: one that the proxy ended could meet a request.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}${upstream.pathname}`);
});
