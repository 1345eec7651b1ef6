// Whether what came out of a case is what it expects; each difference in one line.
import { isDeepStrictEqual } from "node:util";

const show = (value) => JSON.stringify(value);
const isMap = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

export function differences(expected, outcome) {
  const found = [];
  if ("result" in expected) {
    if (outcome.result === undefined) found.push(`expected a result, got the error ${show(outcome.error)}`);
    else within("result", expected.result, outcome.result, found);
  }
  if ("error" in expected) {
    if (outcome.error === undefined) found.push(`expected an error, got the result ${show(outcome.result)}`);
    else compareError(expected.error, outcome.error, found);
  }
  if (expected.requests) compareRequests(expected.requests, outcome.requests, found);
  if (expected.counters && !isDeepStrictEqual(expected.counters, outcome.counters)) {
    found.push(`counters: expected ${show(expected.counters)}, got ${show(outcome.counters)}`);
  }
  const { at_least = 0, at_most = 30_000 } = expected.elapsed_ms ?? {};
  if (outcome.elapsedMs < at_least || outcome.elapsedMs > at_most) {
    found.push(`took ${Math.round(outcome.elapsedMs)} ms, expected ${at_least} to ${at_most}`);
  }
  return found;
}

function compareError(expected, error, found) {
  for (const [name, value] of Object.entries(expected)) {
    if (name === "message" || name === "message_without") {
      for (const part of value) {
        if (error.message.includes(part) !== (name === "message")) {
          found.push(`${name} \`${part}\`: the message is \`${error.message}\``);
        }
      }
    } else if (error[name] !== value) {
      found.push(`error ${name}: expected ${show(value)}, got ${show(error[name])}: ${error.message}`);
    }
  }
}

function compareRequests(expected, requests, found) {
  if (expected.length !== requests.length) {
    found.push(`expected ${expected.length} requests, got ${requests.length}`);
    return;
  }
  expected.forEach((wanted, at) => {
    const request = requests[at];
    for (const name of ["method", "path"]) {
      if (wanted[name] !== request[name]) found.push(`request ${at} ${name}: expected ${wanted[name]}, got ${request[name]}`);
    }
    if ("body" in wanted && !isDeepStrictEqual(wanted.body, request.body)) {
      found.push(`request ${at} body: expected ${show(wanted.body)}, got ${show(request.body)}`);
    }
    for (const [name, value] of Object.entries(wanted.headers ?? {})) {
      const got = request.headers[name] ?? null;
      const first = requests[0].headers[name] ?? null;
      const rules = { present: !!got, same: !!got && got === first, different: !!got && got !== first };
      if (!(isMap(value) ? rules[value.is] : got === value)) {
        found.push(`request ${at} header ${name}: expected ${show(value)}, got ${got}`);
      }
    }
  });
}

/** Maps may hold more than is expected; everything else is equal. */
function within(place, expected, got, found) {
  if (isMap(expected) && isDeepStrictEqual(Object.keys(expected), ["contains"])) {
    if (typeof got !== "string" || !got.includes(expected.contains)) {
      found.push(`${place}: expected it to contain \`${expected.contains}\`, got ${show(got)}`);
    }
  } else if (isMap(expected) && Object.keys(expected).length && isMap(got)) {
    for (const [name, value] of Object.entries(expected)) {
      if (name in got) within(`${place}.${name}`, value, got[name], found);
      else found.push(`${place}.${name} is missing`);
    }
  } else if (!isDeepStrictEqual(expected, got)) {
    found.push(`${place}: expected ${show(expected)}, got ${show(got)}`);
  }
}
