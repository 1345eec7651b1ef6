// The snippets of the page, run in order against a real gateway; what they say they print is what they print.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import * as sdk from "@interven/sdk-js";
import { startGateway } from "./gateway.mjs";

let gateway;
before(async () => {
  gateway = await startGateway();
  Object.assign(process.env, { INTERVEN_API_KEY: gateway.apiKey, INTERVEN_GATEWAY_URL: gateway.url });
});
after(() => gateway.stop());

test("the page says what happens", async () => {
  const page = readFileSync(new URL("../../../docs/integrations/typescript.md", import.meta.url), "utf8");
  const snippets = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, text]) => text);
  const program = snippets.join("\n").replace(/^import (\{.*?\}) from "@interven\/sdk-js";/gm, "const $1 = sdk;");
  const expected = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  const printed = [];
  const AsyncFunction = (async () => {}).constructor;
  await new AsyncFunction("sdk", "console", program)(sdk, { ...console, log: (line) => printed.push(String(line)) });
  assert.ok(expected.length >= 5);
  assert.deepEqual(printed, expected);
});
