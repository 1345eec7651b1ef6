/**
 * The plugin `openclaw-interven-guard`: asks an Interven gateway before each tool call of OpenClaw, and does what the answer says.
 *
 * @module
 */

import { IntervenClient } from "@interven/sdk-js";
import { readConfig } from "./config.js";
import { PLUGIN_ID, longestCallMs, makeGuard, makeWall } from "./guard.js";
import type { PluginApi } from "./openclaw.js";

const OLDEST = [2026, 3, 13] as const;
/** Last of all hooks: the parameters that the last one answers are those that run. */
const LAST = { priority: Number.MIN_SAFE_INTEGER };

export default {
  id: PLUGIN_ID,
  name: "Interven guard",
  description: "Asks an Interven gateway before each tool call, and does what the answer says.",

  /** Throws nothing: OpenClaw would go on without the plugin, and every call would run. */
  register(api: PluginApi): void {
    const { logger } = api;
    if (isTooOld(api.runtime?.version)) {
      logger.error(`interven: OpenClaw ${api.runtime?.version} may call tools without asking: upgrade to ${OLDEST.join(".")} or newer`);
    }
    try {
      const config = readConfig(api.pluginConfig);
      const { apiKey, gatewayUrl, scanTimeoutMs: timeoutMs } = config;
      const client = new IntervenClient({ apiKey, gatewayUrl, timeoutMs, runtimeType: "openclaw", environment: {} });
      api.on("before_tool_call", makeGuard(config, client, logger), { ...LAST, timeoutMs: longestCallMs(config) });
      const tools = config.guardedTools ? `these tools only: ${[...config.guardedTools].join(", ")}` : "every tool";
      logger.info(`interven: ${client.gatewayUrl} is asked before ${tools}`);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const advice = `${problem}. Set plugins.entries.${PLUGIN_ID}.config`;
      logger.error(`interven: every tool call is blocked: ${advice}`);
      api.on("before_tool_call", makeWall(`the plugin is not configured: ${advice}`, logger), { ...LAST, timeoutMs: 1000 });
    }
  },
};

/** False where it says nothing: 2026.3.13 itself calls itself 1.0.0. */
function isTooOld(version: string | undefined): boolean {
  const numbers = /^(20\d\d)\.(\d+)\.(\d+)/.exec(version ?? "")?.slice(1).map(Number) ?? [];
  const at = numbers.findIndex((number, place) => number !== OLDEST[place]);
  return at >= 0 && (numbers[at] ?? 0) < (OLDEST[at] ?? 0);
}
