// Whatever goes wrong on the way to a verdict: blocked, or let through where the operator chose so, and then logged.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { closedAddress, startScripted } from "../../../sdks/typescript/test/scripted-server.mjs";
import { packPlugin, startHost } from "./host.mjs";

const CALL = ["exec", { command: "ls" }];
const refused = (status, code) => ({ status, json: { error: code, message: "no" } });

let root;
before(() => {
  root = packPlugin();
});
after(() => rmSync(root, { recursive: true }));

/** What the gateway does to each request, and whether `failClosedOnTimeout: false` lets the call through. */
const FAULTS = [
  ["nobody listens", undefined, true],
  ["the connection breaks", { fault: "reset" }, true],
  ["no answer comes", { fault: "never" }, true],
  ["half an answer comes", { verdict: {}, fault: "stall" }, true],
  ["500", refused(500, "INTERNAL"), true],
  ["503", refused(503, "UNAVAILABLE"), true],
  ["an answer that is no JSON", { text: "<html>" }, true],
  ["an answer without a decision", { json: { hello: "you" } }, true],
  ["401", refused(401, "UNAUTHORIZED"), false],
  ["403", refused(403, "FORBIDDEN"), false],
  ["413", refused(413, "PAYLOAD_TOO_LARGE"), false],
  ["429", refused(429, "RATE_LIMITED"), false],
  ["a redirect", { status: 302, json: {}, headers: { Location: "{server}/elsewhere" } }, false],
  ["a decision of the future", { verdict: { decision: "PONDER" } }, false],
  ["a redaction without the redacted form", { verdict: { decision: "SANITIZE" } }, false],
  ["a redacted form without the command", { verdict: { decision: "SANITIZE", sanitized_body: {} } }, false],
  ["a redacted form that is a text", { verdict: { decision: "SANITIZE", sanitized_body: "ls" } }, false],
  ["an approval that nobody can give", { verdict: { decision: "REQUIRE_APPROVAL" } }, false],
];

for (const version of ["2026.3.13", "2026.9.6"]) {
  for (const [name, answer, isOutage] of FAULTS) {
    test(`OpenClaw ${version}: ${name}`, async () => {
      const server = answer && (await startScripted(Array(4).fill(answer)));
      const gatewayUrl = server?.address ?? (await closedAddress());
      for (const failClosedOnTimeout of [true, false]) {
        const config = { apiKey: "iv_live_secret", gatewayUrl, scanTimeoutMs: 300, approvalWaitSec: 0, failClosedOnTimeout };
        const { callTool, log } = await startHost(root, { version, config });
        const outcome = await callTool(...CALL);
        const isOpen = isOutage && !failClosedOnTimeout;
        assert.equal(outcome.blocked === undefined, isOpen, JSON.stringify(outcome));
        assert.match(log.at(-1), isOpen ? /^warn: interven: FAIL OPEN: `exec` runs unjudged \(1 so far\)/ : /^warn: interven: blocked `exec`: ./);
        assert.doesNotMatch(JSON.stringify([outcome, log]), /iv_live_secret/);
      }
      server?.close();
    });
  }
}

test("parameters that JSON cannot hold are not judged as something else", async () => {
  const server = await startScripted([{ verdict: {} }]);
  const { callTool } = await startHost(root, { version: "2026.3.13", config: { apiKey: "k", gatewayUrl: server.address, failClosedOnTimeout: false } });
  assert.match((await callTool("exec", { command: "ls", call: () => 1 })).blocked, /cannot be judged/);
  server.close();
});

test("a log that throws lets nothing through", async () => {
  const { callTool, log } = await startHost(root, { version: "2026.3.13", config: { apiKey: "k", gatewayUrl: await closedAddress() } });
  log.push = () => {
    throw new Error("disk full");
  };
  assert.match((await callTool(...CALL)).blocked, /Blocked by Interven/);
});
