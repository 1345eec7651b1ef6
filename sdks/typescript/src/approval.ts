/** Where an approval stands, and waiting until a person has decided. */

import {
  ApprovalDeniedError,
  ApprovalExpiredError,
  ApprovalTimeoutError,
  ConfigurationError,
  GatewayError,
} from "./errors.js";
import { type Fields, now, pause, textOf } from "./exchange.js";

export class ApprovalStatus {
  readonly approvalId: string;
  /** `pending`, `approved`, `denied`, `expired`, or `executed`: approved, and used already. */
  readonly status: string;
  /** `ALLOW` or `DENY` once a person has decided. */
  readonly decision: string | undefined;
  /** RFC 3339. */
  readonly decidedAt: string | undefined;
  readonly expiresAt: string | undefined;
  readonly remainingSeconds: number;
  readonly pollGuidance: string | undefined;
  readonly retryGuidance: string | undefined;
  readonly error: string | undefined;
  /** The whole answer in wire names. */
  readonly raw: Readonly<Fields>;

  /** @internal */
  constructor(fields: Fields) {
    const status = fields["status"];
    if (typeof status !== "string") {
      throw new GatewayError("the answer holds no approval status", { code: "UNREADABLE_ANSWER", isOutage: true });
    }
    this.approvalId = textOf(fields, "approval_id") ?? "";
    this.status = status;
    this.decision = textOf(fields, "decision");
    this.decidedAt = textOf(fields, "decided_at");
    this.expiresAt = textOf(fields, "expires_at");
    this.remainingSeconds = Number(fields["remaining_seconds"] ?? 0);
    this.pollGuidance = textOf(fields, "poll_guidance");
    this.retryGuidance = textOf(fields, "retry_guidance");
    this.error = textOf(fields, "error");
    this.raw = fields;
  }

  /** A yes that can still be used. */
  get isApproved(): boolean {
    return this.status === "approved";
  }

  /** Nothing will change any more. */
  get isTerminal(): boolean {
    return ["approved", "denied", "expired", "executed"].includes(this.status);
  }
}

export interface WaitOptions {
  /** The caller's patience: an hour unless given. */
  readonly maxWaitMs?: number | undefined;
  /** Between questions that the gateway answers at once: 5,000 unless given, 2,500 at least. */
  readonly pollIntervalMs?: number | undefined;
  /** Throw ApprovalDeniedError and ApprovalExpiredError, unless false: then a status says so. */
  readonly throwOnTerminal?: boolean | undefined;
  /** Ends the wait: its reason is thrown once the question under way is answered, within 25 s. A yes stays unused then. */
  readonly signal?: AbortSignal | undefined;
}

/** The gateway allows one plain question about an approval in 2 s. */
const LEAST_POLL_INTERVAL_MS = 2500;
const DEFAULT_POLL_INTERVAL_MS = 5000;
const DEFAULT_PATIENCE_MS = 3_600_000;
/** The longest that the gateway holds an answer to `?wait=`. */
const LONGEST_HOLD_SECONDS = 25;

/** Asks `poll(seconds to hold the answer, milliseconds left)` until a person has decided. */
export async function pollUntilDecided(
  poll: (holdSeconds: number, leftMs: number) => Promise<ApprovalStatus>,
  approvalId: string,
  options: WaitOptions,
): Promise<ApprovalStatus> {
  if (!approvalId) {
    throw new ConfigurationError("waitForApproval needs the approvalId of a verdict");
  }
  const patience = options.maxWaitMs ?? DEFAULT_PATIENCE_MS;
  const interval = Math.max(options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS, LEAST_POLL_INTERVAL_MS);
  const isLoud = options.throwOnTerminal ?? true;
  const started = now();
  for (let left = patience; ; left = Math.max(0, started + patience - now())) {
    const asked = now();
    let wait = interval;
    try {
      const hold = Math.max(0, Math.min(LONGEST_HOLD_SECONDS, Math.floor(left / 1000)));
      options.signal?.throwIfAborted();
      const status = await poll(hold, Math.max(left, LEAST_POLL_INTERVAL_MS));
      options.signal?.throwIfAborted();
      if (isLoud && status.status === "denied") {
        throw new ApprovalDeniedError(approvalId);
      }
      if (isLoud && status.status === "expired") {
        throw new ApprovalExpiredError(approvalId);
      }
      if (status.isTerminal) {
        return status;
      }
    } catch (error) {
      // A gateway that restarts, or that is asked too often, is asked again: the approval still waits there.
      if (!(error instanceof GatewayError && (error.isOutage || error.status === 429))) {
        throw error;
      }
      wait = Math.max(interval, (error.retryAfter ?? 0) * 1000);
    }
    left = started + patience - now();
    if (left <= 0) {
      throw new ApprovalTimeoutError(approvalId, now() - started);
    }
    await pause(Math.max(0, Math.min(wait - (now() - asked), left)));
  }
}
