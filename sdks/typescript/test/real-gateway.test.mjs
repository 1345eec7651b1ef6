// Stories with the real gateway: what an agent sends and what it gets.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { inspect, promisify } from "node:util";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import { AuthenticationError, GatewayError, IntervenClient, gate, guard } from "@interven/sdk-js";
import { startGateway } from "./gateway.mjs";

const SLACK = "https://slack.com/api/chat.postMessage";
const SSN = "her ssn is 536-22-8417";
const AWS_KEY = "key AKIASIQOKQPY64PQRIZ3";

let gateway;
before(async () => {
  gateway = await startGateway();
});
after(() => gateway.stop());

/** Each test is an agent of its own. */
const agent = (Client = IntervenClient) =>
  new Client({ apiKey: gateway.apiKey, gatewayUrl: gateway.url, agentName: `agent-${randomUUID()}` });

test("a guarded function runs with what may be sent, or not at all", async () => {
  const sent = [];
  const post = guard(agent(), { tool: "slack", operation: "post_message" }, async (given) => {
    sent.push(given);
    return "sent";
  });
  assert.equal(await post({ text: "lunch at noon?" }), "sent");
  assert.equal(await post({ text: SSN, channel: "#hr" }), "sent");
  assert.match(await post({ text: AWS_KEY }), /denied by policy/);
  assert.deepEqual(sent, [{ text: "lunch at noon?" }, { text: "her ssn is [REDACTED:us_ssn]", channel: "#hr" }]);
});

test("positional arguments by name, and what was judged is what is sent", async () => {
  const options = { tool: "slack", operation: "post_message", parameters: ["message", "log"], exclude: ["log"] };
  const log = () => {};
  const message = { text: "lunch at noon?" };
  const running = guard(agent(), options, (given, logger) => [given, logger])(message, log);
  message.text = AWS_KEY;
  assert.deepEqual(await running, [{ text: "lunch at noon?" }, log]);
});

test("a person's turn, and refusals in the gateway's words", async () => {
  const held = await gate(
    agent(),
    { method: "POST", url: "https://iam.amazonaws.com/", body: { Action: "CreateUser", UserName: "eve" } },
    { maxWaitMs: 0 },
  );
  assert.equal(held.decision, "REQUIRE_APPROVAL");
  assert.ok(!held.proceed && held.approvalWaited && held.scan.approvalId);
  const stranger = new IntervenClient({ apiKey: "iv_live_nobody", gatewayUrl: gateway.url, failOpen: true });
  await assert.rejects(stranger.scan({ method: "POST", url: SLACK }), AuthenticationError);
  await assert.rejects(agent().scanResponse(randomUUID(), {}), (error) => error instanceof GatewayError && error.status === 404);
});

test("what JSON cannot hold is not sent as something else", async () => {
  const named = Symbol("text");
  for (const body of [{ n: NaN }, { f: () => 1 }, { n: 1n }, { s: Symbol("s") }, { [named]: AWS_KEY }, { deep: [{ [named]: AWS_KEY }] }]) {
    await assert.rejects(agent().scan({ method: "POST", url: SLACK, body }), /cannot be judged/);
    const options = { tool: "slack", operation: "post_message" };
    await assert.rejects(guard(agent(), options, () => assert.fail("it ran"))(body), /cannot be judged/);
  }
});

test("printing a client shows no key", () => {
  assert.ok(!`${inspect(agent(), { depth: 9, showHidden: true })}${JSON.stringify(agent())}`.includes(gateway.apiKey));
});

test("a worker thread guards as the main thread does", async () => {
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { IntervenClient, guard } = require("node:module").createRequire(workerData.from)("@interven/sdk-js");
    const post = guard(new IntervenClient(workerData.options), { tool: "slack", operation: "post_message" }, ({ text }) => text);
    parentPort.on("message", async (given) => parentPort.postMessage(await post(given)));`;
  const options = { apiKey: gateway.apiKey, gatewayUrl: gateway.url, agentName: `agent-${randomUUID()}` };
  const worker = new Worker(source, { eval: true, workerData: { from: import.meta.url, options } });
  const ask = async (given) => {
    worker.postMessage(given);
    return (await once(worker, "message"))[0];
  };
  assert.equal(await ask({ text: SSN }), "her ssn is [REDACTED:us_ssn]");
  assert.match(await ask({ text: AWS_KEY }), /denied by policy/);
  await worker.terminate();
});

test("installing the package runs nothing and ships what was built only", async () => {
  const packed = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], { cwd: new URL("..", import.meta.url) });
  const [{ files }] = JSON.parse(packed.stdout);
  assert.deepEqual(files.filter(({ path }) => !/^(dist\/(esm|cjs)\/|package\.json$|README\.md$)/.test(path)), []);
  const { scripts, dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.deepEqual(Object.keys(scripts).sort(), ["build", "test"]);
  assert.equal(dependencies, undefined);
});

test("`require` gives the same, and so does a place without `process`", async () => {
  const require = createRequire(import.meta.url);
  const fromCommonJs = await agent(require("@interven/sdk-js").IntervenClient).scan({ method: "GET", url: "https://a.example" });
  assert.ok(fromCommonJs.allowed);
  // What a worker has, and nothing of Node.
  const web = { fetch, Headers, AbortController, crypto, performance, setTimeout, clearTimeout, TextDecoder, Uint8Array, URL, console };
  const context = vm.createContext(web);
  const load = (name) => {
    const source = readFileSync(new URL(`../dist/cjs/${name}`, import.meta.url), "utf8");
    const exports = {};
    vm.runInContext(`(function (exports, require) { ${source}\n})`, context)(exports, (other) => (loaded[other] ??= load(other)));
    return exports;
  };
  const loaded = {};
  const verdict = await agent(load("index.js").IntervenClient).scan({ method: "POST", url: SLACK, body: { text: SSN } });
  assert.deepEqual(JSON.parse(JSON.stringify(verdict.bodyToForward)), { text: "her ssn is [REDACTED:us_ssn]" });
});
