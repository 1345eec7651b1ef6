/**
 * Ask a firewall before an agent's tool call, and do what the answer says.
 *
 * ```ts
 * const client = new IntervenClient(); // INTERVEN_API_KEY, INTERVEN_GATEWAY_URL
 * const post = guard(client, { tool: "slack", operation: "post_message" }, async ({ text }: { text: string }) => send(text));
 * ```
 *
 * @module
 */

export { ApprovalStatus, type WaitOptions } from "./approval.js";
export {
  EphemeralKey,
  type EphemeralKeyOptions,
  IntervenClient,
  type ResponseReport,
  type ScanRequest,
} from "./client.js";
export * from "./errors.js";
export type { Counters } from "./exchange.js";
export { type GateResult, type GuardOptions, type GuardTarget, type OnBlock, gate, guard, type SettleOptions } from "./guard.js";
export type { ClientOptions, Environment } from "./settings.js";
export { ToolResult, type Tools } from "./tools.js";
export { type Decision, ScanResponse, Verdict } from "./verdict.js";
