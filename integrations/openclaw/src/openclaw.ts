/**
 * What this plugin uses of OpenClaw's plugin interface, as of 2026.3.13 and 2026.9.6
 * (<https://docs.openclaw.ai/plugins/hooks>, `plugins/types.d.ts` of its package).
 */

export interface ToolCall {
  /** Lower case; `bash` and `apply-patch` are already `exec` and `apply_patch`. */
  readonly toolName: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Tells tools apart that share a name: `code_mode_exec` is an `exec` of JavaScript. Since 2026.5. */
  readonly toolKind?: string | undefined;
}

export interface ToolContext {
  /** Which of the host's agents calls. */
  readonly agentId?: string | undefined;
  /** Since 2026.5: the call was cancelled. */
  readonly abortSignal?: AbortSignal | undefined;
}

/** Nothing said lets the call through. `params` are laid over the original ones. */
export interface Answer {
  readonly params?: Record<string, unknown>;
  readonly block?: true;
  /** The model reads it. */
  readonly blockReason?: string;
}

export type BeforeToolCall = (call: ToolCall, context: ToolContext) => Promise<Answer>;

export interface Logger {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface PluginApi {
  readonly pluginConfig?: unknown;
  readonly logger: Logger;
  readonly runtime?: { readonly version?: string | undefined } | undefined;
  on(name: "before_tool_call", handler: BeforeToolCall, options: { priority: number; timeoutMs: number }): void;
}
