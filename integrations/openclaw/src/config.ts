/** What the operator wrote under `plugins.entries.openclaw-interven-guard.config`; nothing else is read. */

export interface Config {
  readonly apiKey: string;
  readonly gatewayUrl: string;
  /** Undefined: every tool. */
  readonly guardedTools: ReadonlySet<string> | undefined;
  readonly scanTimeoutMs: number;
  readonly approvalWaitSec: number;
  readonly failClosedOnTimeout: boolean;
}

export class ConfigError extends Error {}

/** As OpenClaw names tools to its hooks. */
const ALIASES: Readonly<Record<string, string>> = { bash: "exec", "apply-patch": "apply_patch" };

const SETTINGS = [
  "apiKey",
  "gatewayUrl",
  "guardedTools",
  "guardAllTools",
  "scanTimeoutMs",
  "approvalWaitSec",
  "failClosedOnTimeout",
];

/** Throws ConfigError for what cannot be obeyed; a value is never repeated in it, as it may be the key. */
export function readConfig(given: unknown): Config {
  const fields = given ?? {};
  if (typeof fields !== "object" || Array.isArray(fields)) {
    throw new ConfigError("the plugin's config must be an object");
  }
  const unknown = Object.keys(fields).filter((name) => !SETTINGS.includes(name));
  if (unknown.length > 0) {
    throw new ConfigError(`\`${unknown.join("`, `")}\` is no setting: there are ${SETTINGS.join(", ")}`);
  }
  const get = (name: string): unknown => (fields as Record<string, unknown>)[name] ?? undefined;
  const apiKey = readText("apiKey", get("apiKey"), undefined);
  if (/^\$\{\w+\}$/.test(apiKey)) {
    // OpenClaw leaves it standing so where the variable is not set.
    throw new ConfigError("the variable that `apiKey` names is not set where OpenClaw runs");
  }
  return {
    apiKey,
    gatewayUrl: readText("gatewayUrl", get("gatewayUrl"), "http://localhost:4000"),
    guardedTools: readGuarded(get("guardedTools"), readFlag("guardAllTools", get("guardAllTools"), undefined)),
    scanTimeoutMs: readInteger("scanTimeoutMs", get("scanTimeoutMs"), 5000, 100, 60_000),
    approvalWaitSec: readInteger("approvalWaitSec", get("approvalWaitSec"), 120, 0, 3600),
    failClosedOnTimeout: readFlag("failClosedOnTimeout", get("failClosedOnTimeout"), true),
  };
}

/** A tool's name as the hook gets it. */
export function normalizeTool(name: string): string {
  const plain = name.trim().toLowerCase();
  return ALIASES[plain] ?? plain;
}

function readText(name: string, value: unknown, standard: string | undefined): string {
  const text = value ?? standard;
  if (text === undefined) {
    throw new ConfigError(`\`${name}\` is missing`);
  }
  if (typeof text !== "string" || text.trim() === "") {
    throw new ConfigError(`\`${name}\` must be a text that is not empty`);
  }
  return text.trim();
}

function readFlag<T>(name: string, value: unknown, standard: T): boolean | T {
  if (value !== undefined && typeof value !== "boolean") {
    throw new ConfigError(`\`${name}\` must be true or false`);
  }
  return value ?? standard;
}

function readInteger(name: string, value: unknown, standard: number, least: number, most: number): number {
  const number = value ?? standard;
  if (typeof number !== "number" || !Number.isInteger(number) || number < least || number > most) {
    throw new ConfigError(`\`${name}\` must be a whole number from ${least} to ${most}`);
  }
  return number;
}

/** Every tool, unless some are named and `guardAllTools` does not say otherwise. */
function readGuarded(value: unknown, all: boolean | undefined): ReadonlySet<string> | undefined {
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string" && each.trim() !== "");
  if (value !== undefined && !isList) {
    throw new ConfigError("`guardedTools` must be a list of names of tools");
  }
  const names = new Set(((value ?? []) as string[]).map(normalizeTool));
  if (all ?? value === undefined) {
    return undefined;
  }
  if (names.size === 0) {
    throw new ConfigError("nothing would be guarded: name tools in `guardedTools`, or leave out `guardAllTools`");
  }
  return names;
}
