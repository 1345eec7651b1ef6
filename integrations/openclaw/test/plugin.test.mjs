// The packed plugin as OpenClaw finds it: manifest, schema, entry, registration, and what a bad config comes to.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { packPlugin, readManifest, startHost } from "./host.mjs";

const VERSIONS = ["2026.3.13", "2026.9.6"];

let root;
before(() => {
  root = packPlugin();
});
after(() => rmSync(root, { recursive: true }));

test("the schema takes what the page shows, and refuses what no one may mean", () => {
  const { manifest, problems } = readManifest(root);
  assert.equal(manifest.id, "openclaw-interven-guard");
  const whole = {
    apiKey: "iv_live_x",
    gatewayUrl: "http://localhost:4000",
    guardAllTools: false,
    guardedTools: ["exec"],
    scanTimeoutMs: 5000,
    approvalWaitSec: 120,
    failClosedOnTimeout: true,
  };
  assert.deepEqual(Object.keys(manifest.configSchema.properties).sort(), Object.keys(whole).sort());
  assert.equal(manifest.uiHints.apiKey.sensitive, true);
  for (const config of [undefined, {}, whole]) assert.deepEqual(problems(config), []);
  for (const config of [{ apikey: "x" }, { apiKey: 5 }, { guardedTools: "exec" }, { scanTimeoutMs: "5s" }]) {
    assert.notDeepEqual(problems(config), [], JSON.stringify(config));
  }
});

test("one hook, after those of all others, with a deadline beyond its own", async () => {
  const { hooks, log } = await startHost(root, { version: "2026.9.6", config: { apiKey: "iv_live_x", scanTimeoutMs: 1000, approvalWaitSec: 60 } });
  assert.equal(hooks.length, 1);
  assert.equal(hooks[0].name, "before_tool_call");
  assert.ok(hooks[0].priority < -1e9);
  assert.ok(hooks[0].timeoutMs > 62_000);
  assert.deepEqual(log, ["info: interven: http://localhost:4000 is asked before every tool"]);
});

/** What nobody can obey, and what its operator is told. */
const BAD = [
  [undefined, /`apiKey` is missing/],
  [{ apiKey: " " }, /`apiKey` must be a text that is not empty/],
  [{ apiKey: "${INTERVEN_API_KEY}" }, /the variable that `apiKey` names is not set/],
  [{ apiKey: "iv live" }, /characters that no header may carry/],
  [{ apiKey: "k", gatewayUrl: "localhost" }, /gatewayUrl `localhost` cannot be used/],
  [{ apiKey: "k", gatewayUrl: "http://u:secret@host" }, /has no place in it/],
  [{ apiKey: "k", guardAllTools: false }, /nothing would be guarded/],
  [{ apiKey: "k", guardedTools: [] }, /nothing would be guarded/],
  [{ apiKey: "k", guardedTools: [""] }, /`guardedTools` must be a list/],
  [{ apiKey: "k", scanTimeoutMs: 5 }, /`scanTimeoutMs` must be a whole number from 100 to 60000/],
  [{ apiKey: "k", approvalWaitSec: -1 }, /`approvalWaitSec` must be a whole number from 0 to 3600/],
];
for (const version of VERSIONS) {
  test(`OpenClaw ${version}: a config that cannot be obeyed blocks every call and says why`, async () => {
    for (const [config, reason] of BAD) {
      const { callTool, log } = await startHost(root, { version, config });
      assert.match(log[0], /^error: interven: every tool call is blocked: /);
      assert.match(log[0], reason);
      assert.match((await callTool("read", { path: "a" })).blocked, reason);
      assert.doesNotMatch(log.join(), /secret/);
    }
  });
}

test("the environment is not read: a key there configures nothing", async () => {
  process.env.INTERVEN_API_KEY = "iv_live_of_the_environment";
  try {
    const { callTool } = await startHost(root, { version: "2026.9.6", config: {} });
    assert.match((await callTool("exec", { command: "ls" })).blocked, /`apiKey` is missing/);
  } finally {
    delete process.env.INTERVEN_API_KEY;
  }
});

test("an OpenClaw whose hooks may not fire is named", async () => {
  for (const [runtimeVersion, isNamed] of [["2026.3.12", true], ["2026.2.28", true], ["2025.12.1", true], ["2026.3.13", false], ["2026.4.1-beta.1", false], ["1.0.0", false], [undefined, false]]) {
    const { log } = await startHost(root, { version: "2026.3.13", config: { apiKey: "k" }, runtimeVersion: runtimeVersion ?? "" });
    assert.equal(log.some((line) => line.includes("upgrade to 2026.3.13")), isNamed, runtimeVersion);
  }
});
