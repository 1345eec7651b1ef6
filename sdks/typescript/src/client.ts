/** The calls of one agent to its gateway. */

import { ApprovalStatus, pollUntilDecided, type WaitOptions } from "./approval.js";
import { ConfigurationError, GatewayError } from "./errors.js";
import { type Answer, type Counters, type Fields, type Request, exchange, readObject } from "./exchange.js";
import { toJson } from "./json.js";
import { type ClientOptions, type Settings, readSettings } from "./settings.js";
import { Tools, readToolAnswer } from "./tools.js";
import { ScanResponse } from "./verdict.js";

/** The call that an agent is about to make. */
export interface ScanRequest {
  readonly method: string;
  readonly url: string;
  /** What JSON can hold. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly agentId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly runtimeType?: string | undefined;
  /** Why the agent does it, in words. */
  readonly context?: string | undefined;
  readonly env?: string | undefined;
}

export interface EphemeralKeyOptions {
  /** 1 to 86,400: 600 unless given. */
  readonly ttlSeconds?: number | undefined;
  /** Scans: 1 unless given. */
  readonly maxUses?: number | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly verbs?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

/** A narrower key that ends by itself. The key is not printed with it. */
export class EphemeralKey {
  readonly #key: string;
  readonly ephemeralId: string;
  /** Its first characters, which may be shown. */
  readonly prefix: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly maxUses: number;
  readonly scope: Readonly<Fields>;

  /** @internal */
  constructor(fields: Fields) {
    for (const name of ["key", "ephemeral_id", "prefix", "expires_at", "max_uses"]) {
      if (!(name in fields)) {
        throw new GatewayError(`the answer holds no \`${name}\``, { code: "UNREADABLE_ANSWER", isOutage: true });
      }
    }
    this.#key = String(fields["key"]);
    this.ephemeralId = String(fields["ephemeral_id"]);
    this.prefix = String(fields["prefix"]);
    this.expiresAt = String(fields["expires_at"]);
    this.maxUses = Number(fields["max_uses"]);
    this.scope = (fields["scope"] ?? {}) as Fields;
  }

  get key(): string {
    return this.#key;
  }
}

/** What was found in a tool's answer. */
export interface ResponseReport {
  readonly dataClasses: readonly string[];
  readonly fieldsRedactedCount: number;
  /** The gateway did not read it, and `failOpen` let it through. */
  readonly failOpen: boolean;
  /** The whole answer in wire names. */
  readonly raw: Readonly<Fields>;
}

/** May be shared by everything in a program. Printing one shows no key. */
export class IntervenClient {
  readonly #settings: Settings;
  readonly #counters: Counters = { requests: 0, retries: 0, failOpens: 0 };
  /** The tool gateway. */
  readonly tools = new Tools(async (tool, operation, parameters) => {
    const path = `/v1/tools/${segment(tool)}/${segment(operation)}`;
    return readToolAnswer(await this.#send(this.#post(path, parameters, false)), this.gatewayUrl);
  });

  /** Throws AuthenticationError without a key, ConfigurationError for an option or a variable that cannot be used. */
  constructor(options: ClientOptions = {}) {
    this.#settings = readSettings(options);
  }

  get gatewayUrl(): string {
    return this.#settings.gatewayUrl;
  }

  /** A copy of what was counted so far. */
  get counters(): Readonly<Counters> {
    return { ...this.#counters };
  }

  /** Asks about a call before it is made. Throws GatewayError and its kin where there is no verdict. */
  async scan(call: ScanRequest): Promise<ScanResponse> {
    const request = this.#post("/v1/scan", {
      method: call.method,
      url: call.url,
      body: call.body,
      headers: call.headers,
      agent_id: call.agentId || this.#settings.agentId,
      agent_name: call.agentName || this.#settings.agentName,
      runtime_type: call.runtimeType || this.#settings.runtimeType,
      context: call.context,
      env: call.env,
    });
    try {
      const fields = readObject(await this.#send(request), this.gatewayUrl);
      return ScanResponse.read(fields, call.body, this.#settings.consoleUrl);
    } catch (error) {
      this.#failOpenOrThrow(error, "the call was let through unjudged");
      return ScanResponse.letThrough(call.body);
    }
  }

  /** Reports what a tool answered, under the trace of the verdict that let it be called. */
  async scanResponse(traceId: string, responseBody: unknown, responseStatus?: number): Promise<ResponseReport> {
    const request = this.#post("/v1/scan/response", {
      trace_id: traceId,
      response_body: responseBody ?? null,
      response_status: responseStatus,
    });
    try {
      return reportOf(readObject(await this.#send(request), this.gatewayUrl), false);
    } catch (error) {
      this.#failOpenOrThrow(error, "the response was let through unread");
      return reportOf({ data_classes: [], fields_redacted_count: 0 }, true);
    }
  }

  /** Where an approval stands now. */
  pollApproval(approvalId: string): Promise<ApprovalStatus> {
    return this.#poll(approvalId, 0, Infinity);
  }

  /** Waits for a person. Throws ApprovalDeniedError, ApprovalExpiredError, or ApprovalTimeoutError when patience ends. */
  waitForApproval(approvalId: string, options: WaitOptions = {}): Promise<ApprovalStatus> {
    return pollUntilDecided((hold, left) => this.#poll(approvalId, hold, left), approvalId, options);
  }

  /** A key for one task: ends after `ttlSeconds` or `maxUses` scans, for these tools and verbs only. */
  async mintEphemeralKey(options: EphemeralKeyOptions = {}): Promise<EphemeralKey> {
    const request = this.#post(
      "/v1/keys/ephemeral",
      {
        ttl_seconds: options.ttlSeconds ?? 600,
        max_uses: options.maxUses ?? 1,
        scope: { tools: options.tools, verbs: options.verbs },
        description: options.description,
      },
      false,
    );
    return new EphemeralKey(readObject(await this.#send(request), this.gatewayUrl));
  }

  /** Whether the gateway can decide and record now. Throws nothing. */
  async health(): Promise<boolean> {
    try {
      const request: Request = { method: "GET", path: "/health", headers: {}, isRepeatable: true };
      return (await this.#send(request, this.#settings.timeoutMs, 0)).status === 200;
    } catch {
      return false;
    }
  }

  async #poll(approvalId: string, holdSeconds: number, patienceMs: number): Promise<ApprovalStatus> {
    const query = holdSeconds > 0 ? `?wait=${holdSeconds}` : "";
    const path = `/v1/approvals/${segment(approvalId)}/status${query}`;
    const request: Request = { method: "GET", path, headers: this.#authorization(), isRepeatable: true };
    const timeoutMs = Math.min(this.#settings.timeoutMs + holdSeconds * 1000, patienceMs);
    return new ApprovalStatus(readObject(await this.#send(request, timeoutMs), this.gatewayUrl));
  }

  #post(path: string, fields: Fields, isRepeatable = true): Request {
    // What is null or left out is not sent; a `body` of null is none.
    const given = Object.entries(fields).filter(([name, value]) => value !== undefined && (value !== null || name !== "body"));
    const body = JSON.stringify(toJson(Object.fromEntries(given), path));
    const headers = {
      ...this.#authorization(),
      "Content-Type": "application/json",
      "Idempotency-Key": crypto.randomUUID(),
    };
    return { method: "POST", path, headers, body, isRepeatable };
  }

  #authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.#settings.apiKey}` };
  }

  #send(request: Request, timeoutMs = this.#settings.timeoutMs, retries = this.#settings.retries): Promise<Answer> {
    return exchange(request, this.gatewayUrl, timeoutMs, retries, this.#counters);
  }

  #failOpenOrThrow(error: unknown, consequence: string): void {
    if (!(error instanceof GatewayError && error.isOutage && this.#settings.failOpen)) {
      throw error;
    }
    this.#counters.failOpens++;
    console.warn(`interven: FAIL OPEN: ${consequence}, because failOpen is chosen: ${error.message}`);
  }
}

function reportOf(raw: Fields, failOpen: boolean): ResponseReport {
  const classes = raw["data_classes"];
  return {
    dataClasses: Array.isArray(classes) ? classes.map(String) : [],
    fieldsRedactedCount: Number(raw["fields_redacted_count"] ?? 0),
    failOpen,
    raw,
  };
}

/** A name that cannot leave its place in a path. */
export function segment(name: string): string {
  if (name === "." || name === "..") {
    throw new ConfigurationError(`\`${name}\` cannot be a name in an address`);
  }
  return encodeURIComponent(name).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}
