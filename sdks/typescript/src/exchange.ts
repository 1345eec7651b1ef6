/** How a request is sent until it is answered, and what an answer other than 2xx means. */

import {
  AuthenticationError,
  GatewayError,
  IntervenError,
  PayloadTooLargeError,
  QuotaExceededError,
  RateLimitError,
} from "./errors.js";

export interface Request {
  readonly method: "GET" | "POST";
  /** Below the gateway's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** May happen twice without harm. */
  readonly isRepeatable: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** What a client did since it was made. The numbers only grow. */
export interface Counters {
  /** Requests sent, repeated ones included. */
  requests: number;
  /** Requests that repeated an earlier one. */
  retries: number;
  /** Calls that went through without a verdict because `failOpen` was chosen. */
  failOpens: number;
}

export type Fields = Record<string, unknown>;

interface Failure {
  readonly reason: string;
  readonly mayHaveArrived: boolean;
  readonly isTimeout: boolean;
}

/** Statuses of a gateway that may be well a moment later. */
const PASSING = [502, 503, 504];
const FIRST_BACKOFF_MS = 100;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** The longest that a timer can be set: a longer one would ring at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** What Node and Bun call a connection that was never made. */
const NEVER_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/** Milliseconds that only go forward. */
export function now(): number {
  return performance.now();
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, LONGEST_TIMER_MS)));
}

/**
 * The answer, whatever its status. Throws GatewayError when there is none before the deadline.
 *
 * Repeats after connection errors, 502, 503 and 504, and after 429 that says when to come back. A request that must not happen
 * twice is repeated only where it cannot have arrived, or was turned away with 429.
 */
export async function exchange(
  request: Request,
  gatewayUrl: string,
  timeoutMs: number,
  retries: number,
  counters: Counters,
): Promise<Answer> {
  const deadline = now() + timeoutMs;
  for (let attempt = 0; ; attempt++) {
    counters.requests++;
    counters.retries += attempt > 0 ? 1 : 0;
    const backoff = FIRST_BACKOFF_MS * 2 ** attempt * (0.5 + Math.random() / 2);
    const got = await sendOnce(request, gatewayUrl, deadline);
    const wait = "status" in got ? waitAfterAnswer(got, request, backoff) : waitAfterFailure(got, request, backoff);
    if (wait === undefined || attempt >= retries || now() + wait >= deadline) {
      if ("status" in got) {
        return got;
      }
      throw unreachable(gatewayUrl, got, attempt + 1);
    }
    await pause(wait);
  }
}

async function sendOnce(request: Request, gatewayUrl: string, deadline: number): Promise<Answer | Failure> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.min(Math.max(deadline - now(), 0), LONGEST_TIMER_MS));
  try {
    const response = await fetch(gatewayUrl + request.path, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      // The key stays with the address that it was given for.
      redirect: "manual",
      signal: late.signal,
    });
    // A browser hides which redirect it was.
    const status = response.type === "opaqueredirect" ? 302 : response.status;
    return { status, headers: response.headers, body: await readBody(response) };
  } catch (error) {
    const isTimeout = late.signal.aborted;
    const reason = isTimeout ? "the time for the whole call ran out" : reasonOf(error);
    return { reason, isTimeout, mayHaveArrived: isTimeout || !wasNeverConnected(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > MAX_BODY_BYTES) {
      await reader?.cancel();
      throw new Error(`the answer is larger than ${MAX_BODY_BYTES} bytes`);
    }
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** An error and what caused it, outermost first; `AggregateError`s of several addresses by their first. */
function* chain(error: unknown): Generator<Error & { code?: unknown }> {
  for (let each = error; each instanceof Error; ) {
    yield each;
    each = each.cause ?? (each as { errors?: unknown[] }).errors?.[0];
  }
}

function wasNeverConnected(error: unknown): boolean {
  for (const each of chain(error)) {
    if (NEVER_CONNECTED.has(String(each.code)) || /connection refused|dns error/i.test(each.message)) {
      return true;
    }
  }
  return false;
}

function reasonOf(error: unknown): string {
  return [...chain(error)].at(-1)?.message || "the connection failed";
}

function waitAfterFailure(failure: Failure, request: Request, backoff: number): number | undefined {
  return failure.isTimeout || (failure.mayHaveArrived && !request.isRepeatable) ? undefined : backoff;
}

/** Milliseconds until the request is worth repeating; undefined: it is not. */
function waitAfterAnswer(answer: Answer, request: Request, backoff: number): number | undefined {
  const asked = retryAfter(answer);
  const askedMs = asked === undefined ? undefined : asked * 1000;
  if (answer.status === 429) {
    return parseObject(answer)?.["code"] === "QUOTA_EXCEEDED" ? undefined : askedMs;
  }
  return PASSING.includes(answer.status) && request.isRepeatable ? (askedMs ?? backoff) : undefined;
}

/** Seconds, from either form of the header (RFC 9110, 10.2.3). */
function retryAfter(answer: Answer): number | undefined {
  const text = answer.headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) {
    return Number(text.slice(0, 9));
  }
  // `Date.parse` takes nearly anything for a date, and the old forms without a zone for local time.
  const when = /^[A-Za-z]{3,9},? .*\d\d:\d\d:\d\d/.test(text)
    ? Date.parse(/(GMT|[+-]\d{4})$/.test(text) ? text : `${text} GMT`)
    : NaN;
  return Number.isNaN(when) ? undefined : Math.max(0, (when - Date.now()) / 1000);
}

/** The object in an answer of 2xx. Throws the error that any other answer is. */
export function readObject(answer: Answer, gatewayUrl: string): Fields {
  if (answer.status < 200 || answer.status > 299) {
    throw refusal(answer, gatewayUrl);
  }
  const fields = parseObject(answer);
  if (!fields) {
    throw new GatewayError(
      `${gatewayUrl} answered ${answer.status} with something that is no JSON object; is that an Interven gateway?`,
      { code: "UNREADABLE_ANSWER", status: answer.status, isOutage: true },
    );
  }
  return fields;
}

/** The error that an answer other than 2xx is, in the gateway's own words where it has some. */
export function refusal(answer: Answer, gatewayUrl: string): IntervenError {
  const { status } = answer;
  const details = parseObject(answer) ?? {};
  const code = textOf(details, "code") ?? `HTTP_${status}`;
  const sentence =
    status >= 300 && status < 400
      ? `${gatewayUrl} answered ${status}, a redirect, which is not followed: correct gatewayUrl`
      : (textOf(details, "error") ?? `${gatewayUrl} answered ${status} without saying why`);
  const message = `${sentence} (${code})`;
  const known = { code, details, status, traceId: textOf(details, "trace_id") };
  if (status === 401 || status === 403) {
    return new AuthenticationError(message, known);
  }
  if (status === 413) {
    return new PayloadTooLargeError(message, known);
  }
  const outage = { ...known, retryAfter: retryAfter(answer), isOutage: status >= 500 };
  if (status === 429) {
    return code === "QUOTA_EXCEEDED" ? new QuotaExceededError(message, outage) : new RateLimitError(message, outage);
  }
  return new GatewayError(message, outage);
}

function unreachable(gatewayUrl: string, failure: Failure, attempts: number): GatewayError {
  if (failure.isTimeout) {
    return new GatewayError(`no answer from ${gatewayUrl} in time: ${failure.reason}`, { code: "TIMEOUT", isOutage: true });
  }
  const tried = attempts > 1 ? ` (tried ${attempts} times)` : "";
  return new GatewayError(`no answer from ${gatewayUrl}: ${failure.reason}${tried}; is the gateway running there?`, {
    code: "UNREACHABLE",
    isOutage: true,
  });
}

export function parseObject(answer: Answer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.body));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value ? value : undefined;
}
