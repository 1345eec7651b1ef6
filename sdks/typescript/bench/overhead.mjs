// How long a scan takes through this package, beside the same request with bare `fetch`. They take turns, so that both meet the
// same gateway; what is compared is the median over all rounds.
//
//     INTERVEN_API_KEY=… INTERVEN_GATEWAY_URL=http://127.0.0.1:4000 node bench/overhead.mjs
import { IntervenClient } from "@interven/sdk-js";

const ROUNDS = 2000;
const WARM_UP = 200;
const call = { method: "POST", url: "https://slack.com/api/chat.postMessage", body: { channel: "#general", text: "lunch at noon?" } };

const client = new IntervenClient();
const headers = { Authorization: `Bearer ${process.env.INTERVEN_API_KEY}`, "Content-Type": "application/json" };
const contenders = {
  "fetch alone": async () => {
    const body = JSON.stringify({ ...call, runtime_type: "typescript" });
    return (await fetch(`${client.gatewayUrl}/v1/scan`, { method: "POST", headers, body })).json();
  },
  "IntervenClient.scan": () => client.scan(call),
};
const taken = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const started = performance.now();
    await run();
    if (round >= WARM_UP) taken[name].push((performance.now() - started) * 1000);
  }
}
const quantile = (times, part) => times.toSorted((one, other) => one - other)[Math.floor(times.length * part)];
const least = quantile(taken["fetch alone"], 0.5);
for (const [name, times] of Object.entries(taken)) {
  const median = quantile(times, 0.5);
  const beside = (median - least).toFixed(0);
  console.log(`${name.padEnd(20)} median ${median.toFixed(0)} µs   p99 ${quantile(times, 0.99).toFixed(0)} µs   beside fetch +${beside} µs`);
}
