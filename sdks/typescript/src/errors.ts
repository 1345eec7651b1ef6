/**
 * Why there is no verdict, or why a call must not be made.
 *
 * Every error is an `IntervenError` with a sentence that says what to do. None ever holds a key, a body or a header.
 */

import type { ScanResponse } from "./verdict.js";

export interface ErrorDetails {
  /** The gateway's code, or one of this package. */
  readonly code?: string | undefined;
  /** The fields of the gateway's answer. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** HTTP status. */
  readonly status?: number | undefined;
  /** Of a recorded scan. */
  readonly traceId?: string | undefined;
}

/** Base of everything that this package throws on purpose. */
export class IntervenError extends Error {
  readonly code: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly status: number | undefined;
  readonly traceId: string | undefined;

  constructor(message: string, known: ErrorDetails = {}) {
    super(message);
    this.name = new.target.name;
    this.code = known.code;
    this.details = known.details ?? {};
    this.status = known.status;
    this.traceId = known.traceId;
  }
}

/** The same under the name of the Python package. */
export { IntervenError as AifError };

/** An option or an environment variable that cannot be used; nothing was sent. */
export class ConfigurationError extends IntervenError {}

/** 401 or 403: no key, a key that the gateway refuses, or one that may not do this. Never let through, never repeated. */
export class AuthenticationError extends IntervenError {}

/** 413: the body is larger than the gateway reads (262,144 bytes unless set). */
export class PayloadTooLargeError extends IntervenError {}

/** No verdict: not reached, not in time, refused, or not readable. */
export class GatewayError extends IntervenError {
  /** Seconds that the gateway asked to wait. */
  readonly retryAfter: number | undefined;
  /** The gateway is at fault (not reached, too late, 5xx, an answer that is none): only then does `failOpen` let a call through. */
  readonly isOutage: boolean;

  constructor(message: string, known: ErrorDetails & { retryAfter?: number | undefined; isOutage?: boolean } = {}) {
    super(message, known);
    this.retryAfter = known.retryAfter;
    this.isOutage = known.isOutage ?? false;
  }
}

/** 429: the tenant is over its rate; `retryAfter` says for how many seconds. */
export class RateLimitError extends GatewayError {}

/** 429 `QUOTA_EXCEEDED`: the month's scans are used up. Repeating does not help. */
export class QuotaExceededError extends GatewayError {}

/** A decision against the call. An outage is none. */
export abstract class RefusedError extends IntervenError {
  /** The verdict that it rests on; absent where there was none. */
  scan: ScanResponse | undefined;
}

/** The call must not be made: denied, not approved, or not to be rewritten as the gateway asks. */
export class BlockedError extends RefusedError {
  constructor(message: string, scan?: ScanResponse) {
    super(message, { code: "BLOCKED", traceId: scan?.traceId });
    this.scan = scan;
  }

  get reasonCodes(): readonly string[] {
    return this.scan?.reasonCodes ?? [];
  }
}

/** A person said no. */
export class ApprovalDeniedError extends RefusedError {
  constructor(readonly approvalId: string) {
    super(`approval ${approvalId} was denied`, { code: "APPROVAL_DENIED" });
  }
}

/** Nobody decided before the approval's own end. */
export class ApprovalExpiredError extends RefusedError {
  constructor(readonly approvalId: string) {
    super(`approval ${approvalId} expired before anyone decided`, { code: "APPROVAL_EXPIRED" });
  }
}

/** The caller's patience ended first; the approval still waits. */
export class ApprovalTimeoutError extends RefusedError {
  constructor(readonly approvalId: string, readonly waitedMs: number) {
    super(`nobody decided approval ${approvalId} within ${Math.round(waitedMs / 1000)} s; it still waits`, {
      code: "APPROVAL_TIMEOUT",
    });
  }
}
