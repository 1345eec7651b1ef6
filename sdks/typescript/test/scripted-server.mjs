// A local server that answers connections as a case scripts them, one request per connection, and notes what it was asked.
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** What `verdict` in a case is laid over. */
const VERDICT = {
  decision: "ALLOW",
  risk_score: 0.1,
  risk_band: "LOW",
  reason_codes: [],
  trace_id: "0190f3a4-0000-7000-8000-000000000001",
  tool_name: "slack",
  operation: "post_message",
  verb: "WRITE",
  classifications: [],
  signals: [],
  coverage: { evaluated: [], skipped: [] },
  ledger_seq: 7,
};

/** `{address, requests, close}`; requests hold method, path, headers (names in lower case), body. */
export async function startScripted(script) {
  const requests = [];
  const open = new Set();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => {});
    let data = Buffer.alloc(0);
    let isAnswered = false;
    socket.on("data", (part) => {
      data = Buffer.concat([data, part]);
      const request = isAnswered ? undefined : readRequest(data);
      if (request) {
        isAnswered = true;
        requests.push(request);
        const answer = script[requests.length - 1];
        if (answer) void send(socket, answer, address);
        else socket.end();
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { address, requests, close };
}

async function send(socket, answer, address) {
  if (answer.delay_ms) await pause(answer.delay_ms);
  if (answer.fault === "never") return;
  if (answer.fault === "reset") return void socket.resetAndDestroy();
  if (answer.fault === "close") return void socket.end();
  let data = encode(answer, address);
  if (answer.fault) data = data.subarray(0, Math.max(0, data.length - 20));
  if (answer.byte_pause_ms === undefined) {
    socket.write(data);
  } else {
    for (const byte of data) {
      if (socket.destroyed) return;
      socket.write(Buffer.of(byte));
      await pause(answer.byte_pause_ms);
    }
  }
  if (answer.fault !== "stall") socket.end();
}

function encode(answer, address) {
  if ("raw" in answer) return Buffer.from(answer.raw, "latin1");
  let body;
  if ("verdict" in answer) body = Buffer.from(JSON.stringify({ ...VERDICT, ...answer.verdict }));
  else if ("json" in answer) body = Buffer.from(JSON.stringify(answer.json));
  else if ("base64" in answer) body = Buffer.from(answer.base64, "base64");
  else body = Buffer.from(answer.text);
  const headers = { "Content-Type": "application/json", ...answer.headers, Connection: "close" };
  const framing = answer.framing ?? "length";
  if (framing === "length") headers["Content-Length"] = String(body.length);
  if (framing === "chunked") {
    headers["Transfer-Encoding"] = "chunked";
    const parts = [];
    for (let at = 0; at < body.length; at += 7) {
      const part = body.subarray(at, at + 7);
      parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
    }
    body = Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
  }
  const lines = [`HTTP/1.1 ${answer.status ?? 200} Scripted`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value.replaceAll("{server}", address)}`);
  return Buffer.concat([Buffer.from([...lines, "", ""].join("\r\n")), body]);
}

/** Undefined until all of it is there. */
function readRequest(data) {
  const end = data.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first, ...lines] = data.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = data.subarray(end + 4);
  if (body.length < Number(headers["content-length"] ?? 0)) return undefined;
  const [method, path] = first.split(" ");
  return { method, path, headers, body: body.length ? JSON.parse(body.toString()) : null };
}

/** Where nobody listens. */
export async function closedAddress() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
