// Loads the packed plugin as OpenClaw does and runs tool calls through its hooks, by the rules of the oldest version that
// is supported and of the newest that was read. Written from the loader and the hook runner in OpenClaw's own package:
// 2026.3.13 `createHookRunner`, `runBeforeToolCallHook`; 2026.9.6 `runBeforeToolCall`, `withHookTimeout`.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Ajv } from "ajv";

const DEFAULT_TIMEOUT_MS = 15_000;
const ALIASES = { bash: "exec", "apply-patch": "apply_patch" };

/** What `npm pack` ships, unpacked. */
export function packPlugin() {
  const directory = mkdtempSync(join(tmpdir(), "interven-openclaw-"));
  const here = fileURLToPath(new URL("..", import.meta.url));
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", directory], { cwd: here }));
  execFileSync("tar", ["xzf", join(directory, packed.filename), "-C", directory]);
  return join(directory, "package");
}

/** The manifest, and whether a config fits its schema: an empty list if so. */
export function readManifest(root) {
  const manifest = JSON.parse(readFileSync(join(root, "openclaw.plugin.json"), "utf8"));
  if (typeof manifest.id !== "string" || typeof manifest.configSchema !== "object") throw new Error("not a manifest");
  const validate = new Ajv({ allErrors: true, strict: true }).compile(manifest.configSchema);
  const problems = (config) => (validate(config ?? {}) ? [] : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));
  return { manifest, problems };
}

/** `version` is `2026.3.13` or `2026.9.6`; `others` are further plugins, as functions that take the API. */
export async function startHost(root, { version, config, others = [], runtimeVersion = version }) {
  const log = [];
  const hooks = [];
  const logger = Object.fromEntries(["debug", "info", "warn", "error"].map((level) => [level, (text) => log.push(`${level}: ${text}`)]));
  const apiOf = (id, pluginConfig) => ({
    id,
    pluginConfig,
    logger,
    runtime: { version: runtimeVersion },
    on: (name, handler, options) => hooks.push({ id, name, handler, ...options }),
  });
  const { manifest, problems } = readManifest(root);
  if (problems(config).length > 0) throw new Error(`invalid config: ${problems(config)}`);
  for (const entry of JSON.parse(readFileSync(join(root, "package.json"), "utf8")).openclaw.extensions) {
    const path = join(root, entry);
    if (!existsSync(path) || !realpathSync(path).startsWith(realpathSync(root) + sep)) throw new Error(`${entry} is not in the plugin`);
    const module = await import(pathToFileURL(path));
    const plugin = module.default ?? module;
    if (plugin.id !== manifest.id) throw new Error("plugin id differs from the manifest's");
    const registered = plugin.register(apiOf(manifest.id, config));
    if (registered !== undefined) throw new Error("register must be synchronous");
  }
  others.forEach((register, at) => register(apiOf(`other-${at}`)));

  /** `{blocked: reason}` or `{params}` that the tool would run with. */
  async function callTool(name, params, context = { agentId: "main" }) {
    const lower = name.trim().toLowerCase();
    const toolName = ALIASES[lower] ?? lower;
    const isPlain = typeof params === "object" && params !== null && !Array.isArray(params);
    const event = { toolName, params: isPlain ? params : {}, ...(context.toolKind && { toolKind: context.toolKind }) };
    const registered = hooks.filter((hook) => hook.name === "before_tool_call").sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
    const outcome = await RUNNERS[version](registered, event, { toolName, ...context }, logger);
    if (outcome?.block) return { blocked: outcome.blockReason || "Tool call blocked by plugin hook" };
    if (!outcome?.params) return { params };
    return { params: isPlain ? { ...params, ...outcome.params } : outcome.params };
  }

  return { callTool, log, hooks };
}

const RUNNERS = {
  // The event is shared, a hook that throws is skipped, later answers win, nothing ends a slow hook.
  "2026.3.13": async (hooks, event, context, logger) => {
    let outcome;
    for (const hook of hooks) {
      try {
        const next = await hook.handler(event, context);
        if (next === undefined || next === null) continue;
        outcome = outcome === undefined ? next : {
          params: next.params ?? outcome.params,
          block: next.block ?? outcome.block,
          blockReason: next.blockReason ?? outcome.blockReason,
        };
      } catch (error) {
        logger.error(`[hooks] before_tool_call handler from ${hook.id} failed: ${error}`);
      }
    }
    return outcome;
  },
  // Each hook has a copy of the event, a block is final, a throw or a late answer blocks.
  "2026.9.6": async (hooks, event, context) => {
    let outcome;
    try {
      for (const hook of hooks) {
        const next = await withTimeout(hook.handler(structuredClone(event), context), hook.timeoutMs ?? DEFAULT_TIMEOUT_MS);
        if (next === undefined || next === null) continue;
        outcome = {
          params: next.params ?? outcome?.params,
          block: next.block === true,
          blockReason: next.blockReason ?? outcome?.blockReason,
        };
        if (outcome.block) break;
      }
    } catch {
      return { block: true, blockReason: "Tool call blocked because before_tool_call hook failed" };
    }
    return outcome;
  },
};

async function withTimeout(promise, milliseconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${milliseconds}ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
