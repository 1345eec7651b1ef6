/** Before a tool runs: ask, and answer OpenClaw what to do. */

import { ApprovalTimeoutError, GatewayError, type GateResult, type IntervenClient, gate } from "@interven/sdk-js";
import { type Config, normalizeTool } from "./config.js";
import type { Answer, BeforeToolCall, Logger, ToolCall, ToolContext } from "./openclaw.js";
import { paramsOf, scanOf } from "./scan.js";

export const PLUGIN_ID = "openclaw-interven-guard";

/** So that the deadline of a call is ours: OpenClaw ends a hook that takes longer. */
const SLACK_MS = 10_000;

/** The longest that a call can take: asked twice, and waited for between. */
export function longestCallMs(config: Config): number {
  return 2 * config.scanTimeoutMs + config.approvalWaitSec * 1000 + SLACK_MS;
}

/**
 * Never throws: OpenClaw 2026.3 lets a call run whose hook did.
 *
 * A call that may run always gets its parameters from here: what was judged is what runs, whatever other plugins made of it
 * before (every hook sees the original).
 */
export function makeGuard(config: Config, client: IntervenClient, logger: Logger): BeforeToolCall {
  let unjudged = 0;

  async function judge(call: ToolCall, context: ToolContext): Promise<Answer> {
    const scan = scanOf(call);
    const result = await gate(
      client,
      { ...scan, agentName: `openclaw-${context.agentId || "main"}` },
      {
        maxWaitMs: config.approvalWaitSec * 1000,
        signal: context.abortSignal,
        onPending: ({ approvalUrl, approvalId }) =>
          logger.warn(`interven: \`${call.toolName}\` waits up to ${config.approvalWaitSec} s for a person: ${approvalUrl ?? approvalId}`),
      },
    );
    if (!result.proceed) {
      return refuse(call, describeRefusal(result), logger);
    }
    const params = paramsOf(scan, result.body);
    if (!params) {
      return refuse(call, "it must be redacted, and the redacted form does not fit the tool's parameters", logger);
    }
    if (result.scan?.needsSanitization) {
      logger.info(`interven: \`${call.toolName}\` runs redacted: ${result.scan.reasons}`);
    }
    if (result.scan?.wouldBe && result.scan.wouldBe !== result.scan.decision) {
      logger.info(`interven: \`${call.toolName}\` runs, as the gateway only watches; enforced it would be ${result.scan.wouldBe}`);
    }
    return { params };
  }

  return async (call, context) => {
    let tool = "";
    try {
      tool = normalizeTool(call.toolName);
      if (takesUsOut(tool, call.params)) {
        return refuse(call, "an agent does not take out its own guard", logger);
      }
      if (config.guardedTools && !config.guardedTools.has(tool)) {
        return {};
      }
      return await judge({ ...call, toolName: tool, params: { ...call.params } }, context ?? {});
    } catch (error) {
      if (error instanceof GatewayError && error.isOutage && !config.failClosedOnTimeout) {
        unjudged++;
        say(() => logger.warn(`interven: FAIL OPEN: \`${tool}\` runs unjudged (${unjudged} so far), as failClosedOnTimeout is false: ${messageOf(error)}`));
        return {};
      }
      return refuse(call, messageOf(error), logger);
    }
  };
}

/** OpenClaw's newer versions give agents a tool for plugins. */
function takesUsOut(tool: string, { action, pluginId }: ToolCall["params"]): boolean {
  const isEnd = action === "disable" || action === "uninstall";
  return tool === "plugins" && isEnd && typeof pluginId === "string" && pluginId.trim().toLowerCase() === PLUGIN_ID;
}

/** Blocks every call until the plugin is configured. */
export function makeWall(reason: string, logger: Logger): BeforeToolCall {
  return async (call) => refuse(call, reason, logger);
}

function refuse(call: ToolCall, reason: string, logger: Logger): Answer {
  say(() => logger.warn(`interven: blocked \`${call.toolName}\`: ${reason}`));
  return { block: true, blockReason: `Blocked by Interven: ${reason}` };
}

/** For the model, and for the person who reads along. */
function describeRefusal({ blockedReason, refusal, scan }: GateResult): string {
  const link = scan?.approvalUrl ? `: ${scan.approvalUrl}` : "";
  if (refusal instanceof ApprovalTimeoutError) {
    return `a person must approve this call${link} (${blockedReason}). Once approved, make exactly the same call again.`;
  }
  return `${blockedReason}${scan?.traceId ? ` (trace ${scan.traceId})` : ""}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A log that fails changes no answer. */
function say(log: () => void): void {
  try {
    log();
  } catch {
    // Nowhere to say it.
  }
}
