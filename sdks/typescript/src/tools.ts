/**
 * The tool gateway: send parameters, and Interven judges them and calls the real tool with a credential the agent never sees.
 *
 * Nothing here fails open: there is no unguarded way to the tool.
 */

import { GatewayError } from "./errors.js";
import { type Answer, type Fields, isObject, parseObject, readObject, textOf } from "./exchange.js";
import { type Decision, isDecision } from "./verdict.js";

/** The verdict, and what the tool answered where it was called. */
export class ToolResult {
  readonly decision: Decision;
  readonly traceId: string;
  readonly riskScore: number;
  readonly riskBand: string;
  readonly reasonCodes: readonly string[];
  /** With SANITIZE: what the tool was given. */
  readonly sanitizedBody: unknown;
  /** HTTP status of the tool; undefined where it was not called. */
  readonly upstreamStatus: number | undefined;
  readonly upstreamBody: unknown;
  readonly approvalId: string | undefined;
  readonly approvalUrl: string | undefined;
  readonly error: string | undefined;
  /** The whole answer in wire names. */
  readonly raw: Readonly<Fields>;

  /** @internal Throws GatewayError for an answer without a decision that this version knows. */
  constructor(status: number, fields: Fields) {
    const decision = fields["decision"];
    if (!isDecision(decision)) {
      throw new GatewayError(`the tool gateway answered ${status} without a decision that is known here`, {
        code: "UNREADABLE_ANSWER",
        status,
      });
    }
    const upstream = isObject(fields["upstream"]) ? fields["upstream"] : {};
    this.decision = decision;
    this.traceId = textOf(fields, "trace_id") ?? "";
    this.riskScore = Number(fields["risk_score"] ?? 0);
    this.riskBand = textOf(fields, "risk_band") ?? "LOW";
    this.reasonCodes = Array.isArray(fields["reason_codes"]) ? fields["reason_codes"].map(String) : [];
    this.sanitizedBody = fields["sanitized_body"];
    this.upstreamStatus = typeof upstream["status"] === "number" ? upstream["status"] : undefined;
    this.upstreamBody = upstream["body"];
    this.approvalId = textOf(fields, "approval_id");
    this.approvalUrl = textOf(fields, "approval_url");
    this.error = textOf(fields, "error");
    this.raw = fields;
  }

  /** The tool was called, with what was sent or with the sanitized form of it. */
  get allowed(): boolean {
    return this.decision === "ALLOW" || this.decision === "SANITIZE";
  }

  get sanitized(): boolean {
    return this.decision === "SANITIZE";
  }

  get awaitingApproval(): boolean {
    return this.decision === "REQUIRE_APPROVAL";
  }

  get blocked(): boolean {
    return this.decision === "DENY";
  }
}

/** 202 and 403 carry verdicts here; 403 without one is a refusal like any other. */
export function readToolAnswer(answer: Answer, gatewayUrl: string): ToolResult {
  const verdict = answer.status === 403 ? parseObject(answer) : undefined;
  const fields = verdict && "decision" in verdict ? verdict : readObject(answer, gatewayUrl);
  return new ToolResult(answer.status, fields);
}

type Call = (tool: string, operation: string, parameters: Fields) => Promise<ToolResult>;

/** `client.tools`. */
export class Tools {
  readonly #call: Call;

  /** @internal */
  constructor(call: Call) {
    this.#call = call;
  }

  /** Any tool and operation by name, with parameters in wire names. */
  call(tool: string, operation: string, parameters: Fields = {}): Promise<ToolResult> {
    return this.#call(tool, operation, parameters);
  }

  readonly slack = {
    postMessage: (given: { text: string; channel?: string; blocks?: unknown[] }): Promise<ToolResult> =>
      this.#call("slack", "post_message", { ...given }),
  };

  readonly github = {
    createPullRequest: (given: {
      owner: string;
      repo: string;
      title: string;
      head: string;
      base?: string;
      body?: string;
    }): Promise<ToolResult> => this.#call("github", "create_pull_request", { base: "main", ...given }),
    /** `content` is base64. */
    updateFile: (given: {
      owner: string;
      repo: string;
      path: string;
      message: string;
      content: string;
      sha?: string;
      branch?: string;
    }): Promise<ToolResult> => this.#call("github", "update_file", { ...given }),
  };

  readonly gdrive = {
    shareFile: (given: { fileId: string; role: string; type: string; emailAddress?: string }): Promise<ToolResult> =>
      this.#call("gdrive", "share_file", {
        file_id: given.fileId,
        role: given.role,
        type: given.type,
        email_address: given.emailAddress,
      }),
  };

  readonly http = {
    request: (given: {
      url: string;
      method?: string;
      body?: unknown;
      headers?: Record<string, string>;
    }): Promise<ToolResult> => this.#call("http", "request", { method: "GET", ...given }),
  };
}
