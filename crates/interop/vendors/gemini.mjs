// Gemini CLI's core library as its commands use it: `/mcp auth`, if it has no token yet, and a call of a tool.
// gemini.mjs URL TOOL: prints the result in one line.
import { MCPOAuthProvider, MCPOAuthTokenStorage, connectToMcpServer } from '@google/gemini-cli-core';

const [url, name] = process.argv.slice(2);
const config = { httpUrl: url, oauth: { enabled: true } };
if (!(await new MCPOAuthTokenStorage().getCredentials('s'))) {
  await new MCPOAuthProvider().authenticate('s', config.oauth, url);
}
const workspace = { getDirectories: () => [], onDirectoriesChanged: () => () => {} };
const context = {
  sanitizationConfig: {},
  emitMcpDiagnostic() {},
  setUserInteractedWithMcp() {},
  isTrustedFolder: () => true,
};
const client = await connectToMcpServer('0.61.0', 's', config, false, workspace, context);
console.log(JSON.stringify(await client.callTool({ name, arguments: {} })));
await client.close();
process.exit(0);
