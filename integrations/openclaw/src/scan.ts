/**
 * The scan that stands for a tool call.
 *
 * The gateway reads command lines, paths and addresses itself: a `curl` in a command is judged as the HTTP call that it
 * makes. What it cannot know is where OpenClaw's own tools put these: that is added to the body under names it looks for.
 */

import type { ToolCall } from "./openclaw.js";

type Fields = Readonly<Record<string, unknown>>;

/** The call as it is judged. */
export interface Scan {
  readonly method: "POST";
  readonly url: string;
  /** The parameters, and what was added. */
  readonly body: Fields;
  /** Names of what was added: no parameters of the tool. */
  readonly added: readonly string[];
}

interface Meaning {
  readonly url: string;
  readonly add?: Fields;
}

const SHELL: Meaning = { url: "shell://exec" };

/** What a call of OpenClaw's own tools means, where the name of the tool does not say it. */
const MEANINGS: Readonly<Record<string, (params: Fields) => Meaning | undefined>> = {
  exec: () => SHELL,
  // Typed into a running program, which may be a shell.
  process: (params) => {
    const typed = params[TYPED_BY[String(params["action"])] ?? ""];
    return typeof typed === "string" ? { ...SHELL, add: { command: typed } } : undefined;
  },
  // A command line on a paired device.
  nodes: (params) => (params["action"] === "run" ? SHELL : undefined),
  browser: (params) => {
    const url = params["targetUrl"] ?? params["url"];
    const isVisit = params["action"] === "open" || params["action"] === "navigate";
    return isVisit && typeof url === "string" ? { url: named("browser_navigate"), add: { url } } : undefined;
  },
  apply_patch: (params) => {
    const paths = Object.values(params).flatMap(pathsInPatch);
    return paths.length > 0 ? { url: named("apply_patch"), add: { paths } } : undefined;
  },
};

/** Tools of OpenClaw that do many things: the parameter `action` says which. */
const WITH_ACTIONS = [
  "automations",
  "browser",
  "canvas",
  "computer",
  "cron",
  "gateway",
  "message",
  "mobile_ui",
  "nodes",
  "plugins",
  "process",
  "secrets",
  "sessions",
  "skill_workshop",
];

/** By action of `process`, the parameter that holds what it types. */
const TYPED_BY: Readonly<Record<string, string>> = { write: "data", paste: "text", "send-keys": "literal" };

/** An `exec` of code mode is JavaScript: no command. Each tool that it calls comes to the hook by itself. */
const CODE_MODE = "code_mode_exec";

/** Throws where a parameter has the name of what must be added: one of them would go unjudged. */
export function scanOf(call: ToolCall): Scan {
  const { toolName: tool, params } = call;
  const meaning = meaningOf(call);
  // What stands there already with the same value needs no adding.
  const add = Object.entries(meaning.add ?? {}).filter(([name, value]) => params[name] !== value);
  const clash = add.find(([name]) => params[name] !== undefined);
  if (clash) {
    throw new Error(`the parameter \`${clash[0]}\` of \`${tool}\` could hide what the call does`);
  }
  return {
    method: "POST",
    url: meaning.url,
    body: { ...params, ...Object.fromEntries(add) },
    added: add.map(([name]) => name),
  };
}

/** What runs instead, from the redacted body. Undefined where that does not hold the same parameters. */
export function paramsOf(scan: Scan, redacted: unknown): Record<string, unknown> | undefined {
  if (typeof redacted !== "object" || redacted === null || Array.isArray(redacted)) {
    return undefined;
  }
  const names = Object.keys(scan.body).filter((name) => scan.body[name] !== undefined);
  const isSame = names.length === Object.keys(redacted).length && names.every((name) => Object.hasOwn(redacted, name));
  return isSame ? Object.fromEntries(Object.entries(redacted).filter(([name]) => !scan.added.includes(name))) : undefined;
}

function meaningOf({ toolName: tool, toolKind, params }: ToolCall): Meaning {
  if (toolKind === CODE_MODE) {
    return { url: named(CODE_MODE) };
  }
  const own = Object.hasOwn(MEANINGS, tool) ? MEANINGS[tool] : undefined;
  const action = WITH_ACTIONS.includes(tool) && typeof params["action"] === "string" ? `_${params["action"]}` : "";
  return own?.(params) ?? { url: mcpTool(tool) ?? named(tool + action) };
}

function named(tool: string): string {
  return `tool://openclaw/${encodeURIComponent(tool)}`;
}

/** OpenClaw calls a tool of an MCP server `server__tool`. */
function mcpTool(tool: string): string | undefined {
  const [, server, name] = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)__(.+)$/.exec(tool) ?? [];
  return server && name ? `mcp://${server}/${encodeURIComponent(name)}` : undefined;
}

/** `*** Update File: path`, and where it moves to. */
function pathsInPatch(patch: unknown): string[] {
  const lines = typeof patch === "string" ? patch.matchAll(/^\s*\*\*\* (?:(?:Add|Update|Delete) File|Move to): *(.+?)\s*$/gm) : [];
  return Array.from(lines, ([, path]) => path ?? "");
}
