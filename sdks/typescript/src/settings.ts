/** What a client was told, by options first and by the environment then; checked once, at construction. */

import { AuthenticationError, ConfigurationError } from "./errors.js";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;
type Variable = (name: string) => string;

export interface ClientOptions {
  /** `INTERVEN_API_KEY` otherwise. */
  readonly apiKey?: string | undefined;
  /** `INTERVEN_GATEWAY_URL` or `INTERVEN_GATEWAY` otherwise, and `http://localhost:4000` without these. */
  readonly gatewayUrl?: string | undefined;
  /** For a whole call, repeating and waiting between included. `INTERVEN_TIMEOUT_MS` otherwise, and 30,000 without it. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is repeated after the first: 2 unless given. */
  readonly retries?: number | undefined;
  /** `INTERVEN_AGENT_ID` otherwise. */
  readonly agentId?: string | undefined;
  /** `INTERVEN_AGENT_NAME` otherwise. */
  readonly agentName?: string | undefined;
  /** `typescript` unless given. */
  readonly runtimeType?: string | undefined;
  /** Lets calls through while the gateway is out. `INTERVEN_FAIL_OPEN` otherwise; `INTERVEN_FAIL_CLOSED=1` wins over both. */
  readonly failOpen?: boolean | undefined;
  /** Where the variables above are read: `process.env` unless given. With `{}` only options count. */
  readonly environment?: Environment | undefined;
}

export interface Settings {
  readonly apiKey: string;
  /** Scheme, host, port and path, without a slash at the end. */
  readonly gatewayUrl: string;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly agentId: string | undefined;
  readonly agentName: string | undefined;
  readonly runtimeType: string;
  readonly failOpen: boolean;
  readonly consoleUrl: string | undefined;
}

const DEFAULT_GATEWAY_URL = "http://localhost:4000";
const DEFAULT_TIMEOUT_MS = 30_000;
const TRUE = ["1", "true", "yes", "on"];
const FALSE = ["", "0", "false", "no", "off"];
const VISIBLE_ASCII = /^[!-~]+$/;

/** Throws AuthenticationError without a key, ConfigurationError for what cannot be used. */
export function readSettings(options: ClientOptions): Settings {
  const variable: Variable = options.environment ? (name) => options.environment?.[name] ?? "" : variableOfProcess;
  const apiKey = (options.apiKey || variable("INTERVEN_API_KEY")).trim();
  if (!apiKey) {
    throw new AuthenticationError("no API key: pass apiKey or set INTERVEN_API_KEY", { code: "NO_API_KEY" });
  }
  if (!VISIBLE_ASCII.test(apiKey)) {
    // The text is not repeated: it is a secret.
    throw new ConfigurationError("the API key holds characters that no header may carry; was it pasted whole?");
  }
  const timeoutMs = options.timeoutMs ?? timeoutOf(variable);
  if (!(timeoutMs > 0 && timeoutMs < Infinity)) {
    throw new ConfigurationError(`timeoutMs must be a number of milliseconds above 0, not ${timeoutMs}`);
  }
  const retries = options.retries ?? 2;
  if (!(Number.isInteger(retries) && retries >= 0)) {
    throw new ConfigurationError(`retries must be 0 or more, not ${retries}`);
  }
  return {
    apiKey,
    gatewayUrl: readAddress(
      options.gatewayUrl || variable("INTERVEN_GATEWAY_URL") || variable("INTERVEN_GATEWAY") || DEFAULT_GATEWAY_URL,
    ),
    timeoutMs,
    retries,
    agentId: options.agentId || variable("INTERVEN_AGENT_ID") || undefined,
    agentName: options.agentName || variable("INTERVEN_AGENT_NAME") || undefined,
    runtimeType: options.runtimeType || "typescript",
    failOpen: failsOpen(options.failOpen, variable),
    consoleUrl: variable("INTERVEN_CONSOLE_URL").replace(/\/+$/, "") || undefined,
  };
}

/** Empty where it is not set, and where there is no environment: in a worker, or without permission in Deno. */
function variableOfProcess(name: string): string {
  try {
    const program = (globalThis as { process?: { env?: Environment } }).process;
    return program?.env?.[name] ?? "";
  } catch {
    return "";
  }
}

function readAddress(text: string): string {
  const address = text.trim();
  if (/[?#@]/.test(address)) {
    // Not repeated: a password may stand in it.
    throw new ConfigurationError("gatewayUrl cannot be used: a user, a query or a fragment has no place in it");
  }
  const isWellFormed = /^https?:\/\/[^/]/i.test(address) && VISIBLE_ASCII.test(address) && URL.canParse(address);
  if (!isWellFormed) {
    throw new ConfigurationError(`gatewayUrl \`${address}\` cannot be used: write http(s)://host[:port][/path]`);
  }
  const url = new URL(address);
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function timeoutOf(variable: Variable): number {
  const text = variable("INTERVEN_TIMEOUT_MS").trim();
  if (!text) {
    return DEFAULT_TIMEOUT_MS;
  }
  if (!/^\d+$/.test(text) || Number(text) === 0) {
    throw new ConfigurationError(
      `INTERVEN_TIMEOUT_MS must be a whole number of milliseconds above 0, not \`${text}\``,
    );
  }
  return Number(text);
}

/** The strictest wins: INTERVEN_FAIL_CLOSED=1 closes even what the code opens. */
function failsOpen(option: boolean | undefined, variable: Variable): boolean {
  return flag("INTERVEN_FAIL_CLOSED", variable) ? false : (option ?? flag("INTERVEN_FAIL_OPEN", variable));
}

function flag(name: string, variable: Variable): boolean {
  const text = variable(name).trim().toLowerCase();
  if (![...TRUE, ...FALSE].includes(text)) {
    throw new ConfigurationError(`${name} must be 1 or 0, not \`${text}\``);
  }
  return TRUE.includes(text);
}
