// Every case of sdks/conformance.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { differences } from "./expectation.mjs";
import { runCase } from "./runner.mjs";

const directory = new URL("../../conformance/cases/", import.meta.url);
const cases = readdirSync(directory).flatMap((file) =>
  JSON.parse(readFileSync(new URL(file, directory), "utf8")).cases.map((each) => [`${file}: ${each.name}`, each]),
);

// Many of them do nothing but wait.
describe("conformance", { concurrency: 24 }, () => {
  for (const [name, each] of cases) {
    test(name, async () => assert.deepEqual(differences(each.expect, await runCase(each)), []));
  }
});

test("there are enough cases", () => assert.ok(cases.length >= 318, String(cases.length)));

test("a wrong outcome is noticed", async () => {
  const [, denied] = cases.find(([, each]) => each.expect.result?.decision === "DENY");
  assert.notDeepEqual(differences(denied.expect, await runCase({ ...denied, server: [{ verdict: {} }] })), []);
});
