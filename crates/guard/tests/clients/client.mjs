// The official TypeScript client: does what its arguments say with one server, and prints what came of it as JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, target, ...command] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const load = (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");

const transport =
  target === "stdio"
    ? new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "ignore" })
    : new StreamableHTTPClientTransport(new URL(target));
const client = new Client({ name: "tests", version: "1" });
await client.connect(transport);
const said = async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  return { isError: result.isError === true, text: result.content.map((part) => part.text ?? "").join("\n") };
};
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const outcome = {
  tools,
  allowed: await said("echo", { message: "lunch" }),
  denied: await said("echo", { message: process.env.SECRET }),
  sanitized: await said("echo", { message: "her ssn is 536-22-8417" }),
  many: (await Promise.all([...Array(50).keys()].map((n) => said("echo", { message: `n${n}` })))).map((one) => one.text),
};
console.log(JSON.stringify(outcome));
await client.close();
