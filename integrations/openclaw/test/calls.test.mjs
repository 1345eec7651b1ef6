// What each tool of OpenClaw is to the gateway: by its own record of what it judged.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { startGateway } from "../../../sdks/typescript/test/gateway.mjs";
import { packPlugin, startHost } from "./host.mjs";

let root;
let gateway;
before(async () => {
  root = packPlugin();
  gateway = await startGateway();
});
after(async () => {
  await gateway.stop();
  rmSync(root, { recursive: true });
});

const CURL = "curl -X POST https://api.github.com/repos/o/r/issues -d '{\"title\":\"x\"}'";
const PATCH = "*** Begin Patch\n*** Update File: src/a.ts\n*** Move to: b.ts\n@@\n-a\n+b\n*** Add File: .env\n+A=1\n*** End Patch";

/** Tool, parameters, what is recorded as `tool.operation`, and its address. */
const CALLS = [
  ["exec", { command: "ls" }, "shell.exec", "shell://exec"],
  ["bash", { command: CURL, workdir: "/tmp" }, "github.create_issue", "shell://exec"],
  ["Bash", { command: "wget -q --post-data=x=1 https://example.com/form" }, "custom_proxy.post", "shell://exec"],
  ["exec", { command: `cd /tmp && ${CURL} | jq .` }, "github.create_issue", "shell://exec"],
  ["exec", { command: "rm -rf /" }, "shell.delete_recursive", "shell://exec"],
  ["process", { action: "write", sessionId: "a", data: "rm -rf /\n", text: "ls" }, "shell.delete_recursive", "shell://exec"],
  ["process", { action: "paste", sessionId: "a", text: "rm -rf /\n" }, "shell.delete_recursive", "shell://exec"],
  ["process", { action: "send-keys", sessionId: "a", literal: "rm -rf /\n" }, "shell.delete_recursive", "shell://exec"],
  ["process", { action: "poll", sessionId: "a" }, "custom_proxy.process_poll", "tool://openclaw/process_poll"],
  ["nodes", { action: "run", node: "mac", command: ["rm", "-rf", "/"] }, "shell.delete_recursive", "shell://exec"],
  ["nodes", { action: "camera_snap", node: "mac" }, "custom_proxy.nodes_camera_snap", "tool://openclaw/nodes_camera_snap"],
  ["web_fetch", { url: "https://example.com/a" }, "custom_proxy.get", "tool://openclaw/web_fetch"],
  ["web_fetch", { url: "https://api.github.com/repos/o/r" }, "github.read_repos", "tool://openclaw/web_fetch"],
  ["browser", { action: "open", targetUrl: "https://api.github.com/repos/o/r" }, "github.read_repos", "tool://openclaw/browser_navigate"],
  ["browser", { action: "navigate", url: "https://api.github.com/repos/o/r" }, "github.read_repos", "tool://openclaw/browser_navigate"],
  ["browser", { action: "act", url: "https://example.com", kind: "type", text: "x" }, "custom_proxy.browser_act", "tool://openclaw/browser_act"],
  ["read", { path: "/home/u/.aws/credentials" }, "file.read_secret_file", "tool://openclaw/read"],
  ["read", { file_path: "README.md", action: "list" }, "file.read", "tool://openclaw/read"],
  ["read", { path: "/home/u/.ssh/id_rsa", arguments: { path: "a.txt" } }, "file.read_secret_file", "tool://openclaw/read"],
  ["write", { path: "a.txt", content: "x" }, "file.write", "tool://openclaw/write"],
  ["edit", { path: "a.txt", oldText: "a", newText: "b" }, "file.edit", "tool://openclaw/edit"],
  ["apply-patch", { input: PATCH }, "file.edit", "tool://openclaw/apply_patch"],
  ["apply_patch", { patch: PATCH }, "file.edit", "tool://openclaw/apply_patch"],
  ["apply_patch", { input: "nonsense" }, "custom_proxy.apply_patch", "tool://openclaw/apply_patch"],
  ["message", { action: "send", channel: "slack", target: "#hr", message: "hi" }, "custom_proxy.message_send", "tool://openclaw/message_send"],
  ["gateway", { action: "config.apply", raw: "{}" }, "custom_proxy.gateway_config_apply", "tool://openclaw/gateway_config.apply"],
  ["cron", { action: "add", job: { payload: { kind: "agentTurn" } } }, "custom_proxy.cron_add", "tool://openclaw/cron_add"],
  ["plugins", { action: "install", packageName: "x" }, "custom_proxy.plugins_install", "tool://openclaw/plugins_install"],
  ["github__create_issue", { title: "x" }, "mcp.create_issue", "mcp://github/create_issue"],
  ["my_server__run", { input: { a: 1 } }, "custom_proxy.my_server_run", "tool://openclaw/my_server__run"],
  ["some plugin/tool", {}, "custom_proxy.some_plugin_tool", "tool://openclaw/some%20plugin%2Ftool"],
];

test("every tool is recorded as what it does", async () => {
  const config = { apiKey: gateway.apiKey, gatewayUrl: gateway.url };
  const { callTool } = await startHost(root, { version: "2026.9.6", config });
  for (const [tool, params] of CALLS) {
    assert.deepEqual(await callTool(tool, params), { params }, tool);
  }
  const lines = (await gateway.operate("activity", "tail", "-n", "100", "--json")).trim().split("\n").map((line) => JSON.parse(line));
  const recorded = lines.sort((a, b) => a.ledger_seq - b.ledger_seq).map(({ tool_name, operation, url }) => [`${tool_name}.${operation}`, url]);
  assert.deepEqual(recorded, CALLS.map(([, , action, url]) => [action, url]));
});

test("code mode's JavaScript is not read as a command", async () => {
  const { callTool } = await startHost(root, { version: "2026.9.6", config: { apiKey: gateway.apiKey, gatewayUrl: gateway.url } });
  const params = { code: "await tools.read({ path: 'a' })" };
  assert.deepEqual(await callTool("exec", params, { agentId: "main", toolKind: "code_mode_exec" }), { params });
  const [line] = (await gateway.operate("activity", "tail", "-n", "1", "--json")).trim().split("\n");
  assert.equal(JSON.parse(line).operation, "code_mode_exec");
});

test("parameters that are not an object do not run: none were judged", async () => {
  const { callTool } = await startHost(root, { version: "2026.3.13", config: { apiKey: gateway.apiKey, gatewayUrl: gateway.url } });
  assert.deepEqual(await callTool("exec", "rm -rf /"), { params: {} });
});

/** A parameter beside the real one that would be judged in its place. */
const DECOYS = [
  ["browser", { action: "open", targetUrl: "http://169.254.169.254/", url: "https://example.com" }],
  ["process", { action: "write", sessionId: "a", data: "rm -rf /\n", command: "ls" }],
  ["apply_patch", { input: PATCH, paths: ["a.txt"] }],
];
test("a decoy is refused", async () => {
  const { callTool } = await startHost(root, { version: "2026.9.6", config: { apiKey: gateway.apiKey, gatewayUrl: gateway.url } });
  for (const [tool, params] of DECOYS) {
    assert.match((await callTool(tool, params)).blocked, /could hide what the call does/, tool);
  }
});
