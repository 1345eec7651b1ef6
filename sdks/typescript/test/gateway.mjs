// A real gateway on an embedded database, for as long as a test file needs it.
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** `{url, apiKey, newKey, operate, stop}`: `operate` runs the operator's command line, `newKey` makes a key that no denial has touched. */
export async function startGateway() {
  const data = mkdtempSync(join(tmpdir(), "interven-"));
  const program = resolve(root, process.env.CARGO_TARGET_DIR ?? "target", "debug/interven");
  const child = spawn(program, ["serve", "--data-dir", data], {
    env: { ...process.env, GATEWAY_ADDR: "127.0.0.1:0", TELEMETRY_ADDR: "127.0.0.1:0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((done, failed) => child.once("exit", done).once("error", failed));
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(data, { recursive: true });
  };
  const operate = async (...words) => (await promisify(execFile)(program, [...words, "--data-dir", data])).stdout;
  const newKey = async () => JSON.parse(await operate("admin", "key", "create", randomUUID(), "--json")).key;
  for await (const line of createInterface(child.stdout)) {
    // The banner comes once it serves.
    if (line.includes("try:")) {
      child.stdout.resume();
      const told = JSON.parse(readFileSync(join(data, "bootstrap.json"), "utf8"));
      return { url: told.gateway_url, apiKey: told.api_key, newKey, operate, stop };
    }
  }
  throw new Error(`${program} ended before it served; \`cargo build -p interven\` makes it`);
}
