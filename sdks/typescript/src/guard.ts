/** Before a function runs: ask, wait for approval where that is asked, and run it with what may be sent, or not at all. */

import type { WaitOptions } from "./approval.js";
import { type IntervenClient, type ScanRequest, segment } from "./client.js";
import {
  ApprovalDeniedError,
  ApprovalExpiredError,
  ApprovalTimeoutError,
  BlockedError,
  ConfigurationError,
  RefusedError,
} from "./errors.js";
import { type Fields, isObject } from "./exchange.js";
import { copy, hasSameKeys, isPlain, members, rebuild, toJson } from "./json.js";
import type { Decision, ScanResponse } from "./verdict.js";

const DEFAULT_PATIENCE_MS = 600_000;

export interface SettleOptions extends Pick<WaitOptions, "pollIntervalMs" | "signal"> {
  /** Patience for an approval: 600,000 unless given. */
  readonly maxWaitMs?: number | undefined;
  /** Is called with the verdict before an approval is waited for. */
  readonly onPending?: ((verdict: ScanResponse) => void) | undefined;
}

/** Whether to go on, and with what. */
export interface GateResult {
  /** Send `body` if true; drop the call otherwise. */
  readonly proceed: boolean;
  /** What the gateway answered first. */
  readonly decision: Decision;
  /** The last verdict; its `traceId` is the one to report the tool's answer under. */
  readonly scan: ScanResponse | undefined;
  /** What to send: the original, or the redacted form. Undefined unless `proceed`. */
  readonly body: unknown;
  readonly blockedReason: string;
  /** The same as an error, whose class tells a no from a person's silence. Undefined where the call may go on. */
  readonly refusal: RefusedError | undefined;
  readonly approvalWaited: boolean;
}

/** Asks until the call may be made, and answers the verdict that says so. Throws a RefusedError otherwise. */
async function settle(client: IntervenClient, call: ScanRequest, options: SettleOptions): Promise<ScanResponse> {
  const first = await client.scan(call);
  let last = first;
  if (first.needsApproval) {
    options.onPending?.(first);
    await waitForYes(client, first, options);
    // The yes holds for the identical call, once: sending it again uses it, and says what may go out.
    last = await client.scan(call);
    if (last.needsApproval) {
      throw new BlockedError(`approval ${first.approvalId} did not hold for the repeated call`, last);
    }
  }
  if (last.blocked) {
    throw new BlockedError(`denied by policy: ${last.reasons}`, last);
  }
  return last;
}

async function waitForYes(client: IntervenClient, verdict: ScanResponse, options: SettleOptions): Promise<void> {
  if (!verdict.approvalId) {
    throw new BlockedError("approval is required and the gateway named none to wait for", verdict);
  }
  try {
    const status = await client.waitForApproval(verdict.approvalId, {
      maxWaitMs: options.maxWaitMs ?? DEFAULT_PATIENCE_MS,
      pollIntervalMs: options.pollIntervalMs,
      signal: options.signal,
    });
    if (!status.isApproved) {
      throw new BlockedError(`approval ${verdict.approvalId} was used by another call`, verdict);
    }
  } catch (error) {
    if (
      error instanceof ApprovalDeniedError ||
      error instanceof ApprovalExpiredError ||
      error instanceof ApprovalTimeoutError
    ) {
      error.scan = verdict;
    }
    throw error;
  }
}

/**
 * One question for all four decisions: `proceed` with `body`, or do not. Waits for an approval.
 * Throws GatewayError and its kin where there is no verdict.
 */
export async function gate(client: IntervenClient, call: ScanRequest, options: SettleOptions = {}): Promise<GateResult> {
  const judged = { ...call, body: copy(call.body) };
  let pending: ScanResponse | undefined;
  const onPending = (verdict: ScanResponse): void => {
    pending = verdict;
    options.onPending?.(verdict);
  };
  const answer = (scan: ScanResponse | undefined, refusal?: RefusedError): GateResult => ({
    proceed: !refusal,
    decision: (pending ?? scan)?.decision ?? "DENY",
    scan,
    body: refusal ? undefined : scan?.bodyToForward,
    blockedReason: refusal?.message ?? "",
    refusal,
    approvalWaited: pending !== undefined,
  });
  try {
    return answer(await settle(client, judged, { ...options, onPending }));
  } catch (error) {
    if (error instanceof RefusedError) {
      return answer(error.scan, error);
    }
    throw error;
  }
}

interface GuardBase extends SettleOptions {
  /** `POST` unless given. */
  readonly method?: string | undefined;
  /** Names of positional arguments, in order. Without them the function's first argument is an object of named ones. */
  readonly parameters?: readonly string[] | undefined;
  /** Names that are no content (a session, a logger): they are neither judged nor sent. */
  readonly exclude?: readonly string[] | undefined;
  /** `{reason}` stands for the reason. */
  readonly blockedMessage?: string | undefined;
  /** Is called with the verdict that settled each call, before the function runs. */
  readonly onVerdict?: ((verdict: ScanResponse) => void) | undefined;
}

/** What is judged: a call of `url`, or of `operation` of `tool`. */
export type GuardTarget =
  | { readonly url: string; readonly tool?: undefined; readonly operation?: undefined }
  | { readonly url?: undefined; readonly tool: string; readonly operation: string };

/** A function given as `onBlock` is called with the refusal, and its result is the answer. */
export type OnBlock<B> = "throw" | "returnMessage" | ((refusal: RefusedError) => B);

export type GuardOptions<B = string> = GuardBase & GuardTarget & { readonly onBlock?: OnBlock<B> | undefined };

/**
 * Guards a function: its arguments are judged as the body of a call.
 *
 * ALLOW runs it. SANITIZE runs it with the redacted arguments. REQUIRE_APPROVAL waits up to `maxWaitMs`, and asks again. Otherwise
 * it does not run: its caller gets `blockedMessage` as text, which suits a model, or a RefusedError with `onBlock: "throw"`.
 * Where there is no verdict it does not run either, and GatewayError or AuthenticationError is thrown, unless `failOpen`.
 *
 * Without `parameters` only the first argument is judged; what a framework passes behind it (options, a session) is handed on.
 */
export function guard<A extends unknown[], R>(
  client: IntervenClient,
  options: GuardBase & GuardTarget & { readonly onBlock: "throw" },
  run: (...given: A) => R,
): (...given: A) => Promise<Awaited<R>>;
export function guard<A extends unknown[], R, B = string>(
  client: IntervenClient,
  options: GuardOptions<B>,
  run: (...given: A) => R,
): (...given: A) => Promise<Awaited<R> | B>;
export function guard(
  client: IntervenClient,
  options: GuardOptions<unknown>,
  run: (...given: unknown[]) => unknown,
): (...given: unknown[]) => Promise<unknown> {
  const url = addressOf(options);
  const onBlock = options.onBlock ?? "returnMessage";
  if (typeof onBlock !== "function" && onBlock !== "throw" && onBlock !== "returnMessage") {
    throw new ConfigurationError(`onBlock is \`throw\`, \`returnMessage\` or a function, not \`${String(onBlock)}\``);
  }
  return async function guarded(this: unknown, ...given: unknown[]): Promise<unknown> {
    const named = nameArguments(given, options.parameters);
    const unjudged = new Set<string | symbol>(options.exclude);
    const judged = copy(Object.fromEntries(members(named).filter(([name]) => !unjudged.has(name))));
    const body = toJson(judged, "the arguments") as Fields;
    let verdict: ScanResponse | undefined;
    let mayRun: Fields;
    try {
      verdict = await settle(client, { method: options.method ?? "POST", url, body }, options);
      mayRun = { ...named, ...(verdict.needsSanitization ? redact(judged, body, verdict.bodyToForward) : judged) };
    } catch (error) {
      if (!(error instanceof RefusedError)) {
        throw error;
      }
      verdict = error.scan ??= verdict;
      if (verdict) {
        options.onVerdict?.(verdict);
      }
      if (onBlock === "throw") {
        throw error;
      }
      if (typeof onBlock === "function") {
        return onBlock(error);
      }
      const message = options.blockedMessage ?? "Action blocked by security policy: {reason}";
      return message.replaceAll("{reason}", () => error.message);
    }
    options.onVerdict?.(verdict);
    const { parameters } = options;
    const settled = parameters ? given.map((_, at) => mayRun[parameters[at] ?? ""]) : [mayRun, ...given.slice(1)];
    return run.apply(this, settled);
  };
}

function addressOf({ url, tool, operation }: { url?: string; tool?: string; operation?: string }): string {
  if (url === undefined && tool !== undefined && operation !== undefined) {
    return `tool://${segment(tool)}/${segment(operation)}`;
  }
  if (url !== undefined && tool === undefined && operation === undefined) {
    return url;
  }
  throw new ConfigurationError("guard needs either url, or tool and operation");
}

function nameArguments(given: unknown[], parameters: readonly string[] | undefined): Fields {
  if (parameters) {
    if (given.length > parameters.length) {
      throw new TypeError(`the guarded function was given ${given.length} arguments, and \`parameters\` names ${parameters.length}`);
    }
    return Object.fromEntries(given.map((value, at) => [parameters[at], value]));
  }
  const first = given.length === 0 ? {} : given[0];
  if (!isPlain(first)) {
    throw new TypeError("a guarded function takes one object of named arguments; name positional ones with `parameters`");
  }
  return first;
}

function redact(judged: Fields, body: Fields, redacted: unknown): Fields {
  if (!isObject(redacted) || !hasSameKeys(body, redacted)) {
    throw new BlockedError("the call must be redacted and cannot be: the redacted body does not have the names of the arguments");
  }
  return rebuild(judged, redacted, "the arguments") as Fields;
}
