/** What the gateway answered to a scan. */

import { BlockedError, GatewayError } from "./errors.js";
import { type Fields, isObject } from "./exchange.js";

export type Decision = "ALLOW" | "DENY" | "SANITIZE" | "REQUIRE_APPROVAL";

export function isDecision(value: unknown): value is Decision {
  return value === "ALLOW" || value === "DENY" || value === "SANITIZE" || value === "REQUIRE_APPROVAL";
}

const isText = (value: unknown): boolean => typeof value === "string";

/** Types of the fields that are there; one that is there with another type makes the answer unreadable. */
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  risk_score: (value) => typeof value === "number",
  risk_band: isText,
  reason_codes: Array.isArray,
  trace_id: isText,
  tool_name: isText,
  operation: isText,
  verb: isText,
  classifications: Array.isArray,
  signals: Array.isArray,
  policy_id: isText,
  policy_name: isText,
  rule_id: isText,
  redactions: Array.isArray,
  approval_id: isText,
  approval_url: isText,
  expires_at: isText,
  would_be: isText,
  coverage: isObject,
  ledger_seq: Number.isInteger,
};

/** A verdict. Exactly one of `allowed`, `needsSanitization`, `needsApproval` and `blocked` is true. */
export class ScanResponse {
  readonly decision: Decision;
  /** 0.0 to 1.0. */
  readonly riskScore: number;
  /** `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`; `UNKNOWN` where nobody judged (`failOpen`). */
  readonly riskBand: string;
  /** Strongest first. */
  readonly reasonCodes: readonly string[];
  readonly traceId: string;
  readonly toolName: string;
  readonly operation: string;
  /** What the operation does: `READ`, `WRITE` or `ADMIN`. */
  readonly verb: string;
  /** Data classes that were found: `SECRETS`, `PII`, `PHI`, `INTERNAL`. */
  readonly classifications: readonly string[];
  /** One per risk engine that ran, in wire names. */
  readonly signals: readonly Fields[];
  readonly policyId: string | undefined;
  readonly policyName: string | undefined;
  readonly ruleId: string | undefined;
  /** With SANITIZE: the body to send in place of the original, of the same shape. */
  readonly sanitizedBody: unknown;
  /** With SANITIZE: what was replaced where, never the value. */
  readonly redactions: readonly Fields[];
  /** With REQUIRE_APPROVAL. */
  readonly approvalId: string | undefined;
  /** With REQUIRE_APPROVAL: where a person decides. */
  readonly approvalUrl: string | undefined;
  /** With REQUIRE_APPROVAL, RFC 3339. */
  readonly expiresAt: string | undefined;
  /** In monitor mode, the decision that would have been. */
  readonly wouldBe: string | undefined;
  readonly coverage: Readonly<Fields>;
  /** Position of the record in the audit log; undefined where nothing was recorded. */
  readonly ledgerSeq: number | undefined;
  /** The gateway gave no verdict, and `failOpen` let the call through. */
  readonly failOpen: boolean;
  /** The whole answer in wire names, with what this version has no name for. */
  readonly raw: Readonly<Fields>;
  readonly #originalBody: unknown;

  private constructor(decision: Decision, fields: Fields, originalBody: unknown, failOpen: boolean, approvalUrl?: string) {
    const get = <T>(name: string): T | undefined => (fields[name] ?? undefined) as T | undefined;
    this.decision = decision;
    this.riskScore = get("risk_score") ?? 0;
    this.riskBand = get("risk_band") ?? "LOW";
    this.reasonCodes = get("reason_codes") ?? [];
    this.traceId = get("trace_id") ?? "";
    this.toolName = get("tool_name") ?? "";
    this.operation = get("operation") ?? "";
    this.verb = get("verb") ?? "";
    this.classifications = get("classifications") ?? [];
    this.signals = get("signals") ?? [];
    this.policyId = get("policy_id");
    this.policyName = get("policy_name");
    this.ruleId = get("rule_id");
    this.sanitizedBody = fields["sanitized_body"];
    this.redactions = get("redactions") ?? [];
    this.approvalId = get("approval_id");
    this.approvalUrl = get("approval_url") ?? approvalUrl;
    this.expiresAt = get("expires_at");
    this.wouldBe = get("would_be");
    this.coverage = get("coverage") ?? {};
    this.ledgerSeq = get("ledger_seq");
    this.failOpen = failOpen;
    this.raw = fields;
    this.#originalBody = originalBody;
  }

  get allowed(): boolean {
    return this.decision === "ALLOW";
  }

  get blocked(): boolean {
    return this.decision === "DENY";
  }

  get needsSanitization(): boolean {
    return this.decision === "SANITIZE";
  }

  get needsApproval(): boolean {
    return this.decision === "REQUIRE_APPROVAL";
  }

  /**
   * The body to send now: the original, or the sanitized one.
   *
   * Throws BlockedError with DENY and REQUIRE_APPROVAL: there is none, and `undefined` would be sent as an empty body.
   */
  get bodyToForward(): unknown {
    if (this.allowed) {
      return this.#originalBody;
    }
    if (this.needsSanitization) {
      return this.sanitizedBody;
    }
    throw new BlockedError(`nothing may be sent: ${this.decision}: ${this.reasons}`, this);
  }

  /** The reason codes in one line. */
  get reasons(): string {
    return this.reasonCodes.join(", ") || "no reason given";
  }

  /** @internal Reads an answer. Throws GatewayError for one that is no verdict, or one that cannot be obeyed. */
  static read(fields: Fields, originalBody: unknown, consoleUrl: string | undefined): ScanResponse {
    const decision = fields["decision"];
    if (typeof decision !== "string") {
      throw new GatewayError("the answer holds no decision; is that an Interven gateway?", {
        code: "UNREADABLE_ANSWER",
        isOutage: true,
      });
    }
    // From here on somebody has decided: whatever is odd now is never let through.
    if (!isDecision(decision)) {
      throw new GatewayError(
        `this version does not know the decision \`${decision.slice(0, 40)}\` and so blocks: upgrade @interven/sdk-js`,
        { code: "UNKNOWN_DECISION" },
      );
    }
    for (const [name, isRight] of Object.entries(TYPES)) {
      const value = fields[name];
      if (value !== undefined && value !== null && !isRight(value)) {
        throw new GatewayError(`\`${name}\` of the answer has an unexpected type: upgrade @interven/sdk-js`, {
          code: "UNREADABLE_ANSWER",
        });
      }
    }
    if (decision === "SANITIZE" && !("sanitized_body" in fields)) {
      throw new GatewayError(
        "SANITIZE came without `sanitized_body`; the original must not be sent: upgrade the gateway",
        { code: "UNREADABLE_ANSWER" },
      );
    }
    const approvalId = fields["approval_id"];
    const link = consoleUrl && approvalId ? `${consoleUrl}/approvals/${String(approvalId)}` : undefined;
    return new ScanResponse(decision, fields, originalBody, false, link);
  }

  /** @internal What stands in for a verdict where an outage is let through. */
  static letThrough(originalBody: unknown): ScanResponse {
    return new ScanResponse("ALLOW", { risk_band: "UNKNOWN", reason_codes: ["FAIL_OPEN"] }, originalBody, true);
  }
}

/** What it is; the name above is that of the Python package. */
export { ScanResponse as Verdict };
