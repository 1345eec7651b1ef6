// Runs a case of sdks/conformance with this package; see the README there.
import * as sdk from "@interven/sdk-js";
import { closedAddress, startScripted } from "./scripted-server.mjs";

const KINDS = new Map([
  [sdk.AuthenticationError, "authentication"],
  [sdk.ConfigurationError, "configuration"],
  [sdk.RateLimitError, "rate_limit"],
  [sdk.QuotaExceededError, "quota_exceeded"],
  [sdk.PayloadTooLargeError, "payload_too_large"],
  [sdk.GatewayError, "gateway"],
  [sdk.ApprovalDeniedError, "approval_denied"],
  [sdk.ApprovalExpiredError, "approval_expired"],
  [sdk.ApprovalTimeoutError, "approval_timeout"],
  [sdk.BlockedError, "blocked"],
]);

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelKeys = (map) => Object.fromEntries(Object.entries(map).map(([name, value]) => [camel(name), value]));

export async function runCase({ client: options = {}, environment = {}, server: script, call }) {
  const server = await startScripted(script);
  const closed = await closedAddress();
  const put = (value) =>
    typeof value === "string" ? value.replaceAll("{server}", server.address).replaceAll("{closed}", closed) : value;
  let client, result, error;
  const started = performance.now();
  try {
    client = makeClient(options, environment, put);
    const [[kind, given]] = Object.entries(call);
    result = await CALLS[kind](client, given);
  } catch (thrown) {
    if (!(thrown instanceof sdk.IntervenError)) throw thrown;
    error = viewError(thrown);
  } finally {
    server.close();
  }
  const elapsedMs = performance.now() - started;
  const counted = client?.counters;
  const counters = counted && { requests: counted.requests, retries: counted.retries, fail_opens: counted.failOpens };
  return { result, error, requests: server.requests, counters, elapsedMs };
}

/** Settings are read when a client is made, so the environment is the case's own for that moment only. */
function makeClient(options, environment, put) {
  const given = {
    api_key: "iv_live_conformance",
    gateway_url: "{server}",
    timeout_ms: 10_000,
    runtime_type: "conformance",
    ...options,
  };
  const kept = { ...process.env };
  try {
    for (const name of Object.keys(process.env)) if (name.startsWith("INTERVEN_")) delete process.env[name];
    for (const [name, value] of Object.entries(environment)) process.env[name] = put(value);
    const entries = Object.entries(given).map(([name, value]) => [camel(name), put(value) ?? undefined]);
    return new sdk.IntervenClient(Object.fromEntries(entries));
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  }
}

const CALLS = {
  scan: async (client, given) => view(await client.scan(camelKeys(given))),
  body_to_forward: async (client, given) => ({ body: (await client.scan(camelKeys(given))).bodyToForward ?? null }),
  scan_response: async (client, given) => {
    const report = await client.scanResponse(given.trace_id, given.response_body, given.response_status);
    return { ...report.raw, ...view(report) };
  },
  poll_approval: async (client, given) => view(await client.pollApproval(given.approval_id)),
  wait_for_approval: async (client, given) =>
    view(
      await client.waitForApproval(given.approval_id, {
        maxWaitMs: given.timeout_ms,
        pollIntervalMs: given.poll_interval_ms,
        throwOnTerminal: given.raise_on_terminal,
      }),
    ),
  mint_ephemeral_key: async (client, given) => view(await client.mintEphemeralKey(camelKeys(given))),
  health: async (client) => ({ healthy: await client.health() }),
  tool: async (client, given) => view(await client.tools.call(given.tool, given.operation, given.parameters)),
  gate: async (client, { max_wait_ms: maxWaitMs, ...given }) => view(await sdk.gate(client, given, { maxWaitMs })),
  guard: async (client, { arguments: named, on_block, ...given }) => {
    let ran = null;
    const onBlock = { raise: "throw", return_message: "returnMessage" }[on_block];
    const message = await sdk.guard(client, { ...camelKeys(given), onBlock }, (received) => {
      ran = received;
    })(named);
    return { ran: ran !== null, arguments: ran, message: message ?? null };
  },
};

/** Fields and getters by their wire names. `body_to_forward` only where there is one. */
function view(value) {
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value)));
  const names = [...Object.keys(value), ...getters.filter(([, each]) => each.get && each.get.name !== "get __proto__").map(([name]) => name)];
  const seen = {};
  for (const name of names) {
    try {
      seen[snake(name)] = value[name] ?? null;
    } catch (error) {
      if (!(error instanceof sdk.BlockedError)) throw error;
    }
  }
  return seen;
}

function viewError(error) {
  return {
    kind: KINDS.get(error.constructor),
    message: error.message,
    code: error.code,
    status: error.status,
    trace_id: error.traceId,
    is_outage: error.isOutage,
    retry_after_s: error.retryAfter,
    approval_id: error.approvalId,
  };
}
