// The page: its settings are the manifest's, its config loads, its log line is logged, its calls come to what it says.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { startGateway } from "../../../sdks/typescript/test/gateway.mjs";
import { packPlugin, readManifest, startHost } from "./host.mjs";

const page = readFileSync(new URL("../../../docs/integrations/openclaw.md", import.meta.url), "utf8");
const blocks = (language) => [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text);

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

test("the table of settings is that of the manifest", () => {
  const { properties } = readManifest(root).manifest.configSchema;
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.replaceAll("`", "").trim()));
  const told = Object.fromEntries(rows.filter(([, name]) => name in properties).map(([, name, value]) => [name, value]));
  assert.deepEqual(Object.keys(told).sort(), Object.keys(properties).sort());
  for (const [name, { default: value }] of Object.entries(properties)) {
    if (value !== undefined) assert.equal(told[name], String(value), name);
  }
});

test("the package that the page installs is the one that is packed", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(readManifest(root).manifest.version, version);
  assert.ok(blocks("sh").some((text) => text.includes(`/openclaw-interven-guard-${version}.tgz\n`)));
});

test("the page says what happens", async () => {
  const [written] = blocks("json").map((text) => JSON.parse(text).plugins.entries["openclaw-interven-guard"]);
  assert.equal(written.config.apiKey, "${INTERVEN_API_KEY}");
  const asWritten = await startHost(root, { version: "2026.9.6", config: { ...written.config, apiKey: gateway.apiKey } });
  const [logged, calls] = blocks("text");
  assert.equal(asWritten.log[0], `info: ${logged.trim()}`);

  const { callTool } = await startHost(root, { version: "2026.9.6", config: { apiKey: gateway.apiKey, gatewayUrl: gateway.url } });
  const told = [...calls.matchAll(/^(\w+) (\{.*\})\n→ (.*)$/gm)];
  assert.equal(told.length, 2);
  for (const [, tool, params, outcome] of told) {
    const { blocked, params: rewritten } = await callTool(tool, JSON.parse(params));
    const actual = blocked ?? `runs as ${JSON.stringify(rewritten)}`;
    assert.ok(outcome.endsWith("…") ? actual.startsWith(outcome.slice(0, -1)) : actual === outcome, `${actual}\n${outcome}`);
  }
});
