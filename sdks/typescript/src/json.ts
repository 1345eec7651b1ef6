/** Values as the JSON that is judged, and redacted JSON as values again. */

import { BlockedError } from "./errors.js";
import { type Fields, isObject } from "./exchange.js";

/**
 * JSON of the same content. Throws TypeError for a value whose content cannot be seen: it could not be judged.
 * Takes plain values, and dates, addresses, bytes, sets, maps by text, and what has `toJSON`.
 */
export function toJson(value: unknown, name: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    return value;
  }
  if (Array.isArray(value)) {
    return Array.from(value, (each: unknown) => toJson(each ?? null, name));
  }
  if (isPlain(value)) {
    const entries = members(value).filter(([, each]) => each !== undefined);
    if (entries.some(([key]) => typeof key === "symbol")) {
      throw new TypeError(`\`${name}\` holds a member under a symbol, which cannot be judged: use a text as its name`);
    }
    // Not by assignment: `__proto__` may be a key.
    return Object.fromEntries(entries.map(([key, each]) => [key, toJson(each, name)]));
  }
  if (value instanceof Uint8Array) {
    return bytesAsText(value);
  }
  if (value instanceof Set) {
    return Array.from(value, (each: unknown) => toJson(each, name));
  }
  if (value instanceof Map && [...value.keys()].every((key) => typeof key === "string")) {
    return toJson(Object.fromEntries(value), name);
  }
  if (isObject(value) && typeof value["toJSON"] === "function") {
    const json: unknown = (value as unknown as { toJSON(): unknown }).toJSON();
    if (json !== value) {
      return toJson(json, name);
    }
  }
  const kind = typeof value === "number" ? String(value) : isObject(value) ? value.constructor?.name : typeof value;
  throw new TypeError(`\`${name}\` holds a ${kind}, whose content cannot be judged: pass text, numbers, lists and objects`);
}

/** Names and values that a spread would copy: those under symbols too. */
export function members(value: object): [string | symbol, unknown][] {
  const names = Reflect.ownKeys(value).filter((name) => Object.prototype.propertyIsEnumerable.call(value, name));
  return names.map((name) => [name, (value as Record<string | symbol, unknown>)[name]]);
}

/** A copy of lists, objects and bytes, so that nobody can change what was judged before it is sent. */
export function copy<T>(value: T): T {
  if (Array.isArray(value)) {
    return value.map(copy) as T;
  }
  if (isPlain(value)) {
    return Object.fromEntries(members(value).map(([key, each]) => [key, copy(each)])) as T;
  }
  return value instanceof Uint8Array ? (value.slice() as T) : value;
}

/** The original with the redacted content. Throws BlockedError where it cannot take it: then the call must not be made. */
export function rebuild(original: unknown, redacted: unknown, name: string): unknown {
  if (isEqual(toJson(original ?? null, name), redacted)) {
    return original;
  }
  if (isPlain(original) && isObject(redacted) && hasSameKeys(toJson(original, name) as Fields, redacted)) {
    const entries = Object.entries(original);
    return Object.fromEntries(
      entries.map(([key, each]) => [key, each === undefined ? each : rebuild(each, redacted[key], name)]),
    );
  }
  if (Array.isArray(original) && Array.isArray(redacted) && original.length === redacted.length) {
    return original.map((each: unknown, at) => rebuild(each, redacted[at], name));
  }
  if (isPlainThroughout(original)) {
    return redacted;
  }
  throw new BlockedError(`the call must be redacted and cannot be: \`${name}\` cannot take a redacted value`);
}

export function hasSameKeys(one: Fields, other: Fields): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key));
}

export function isPlain(value: unknown): value is Fields {
  if (!isObject(value)) {
    return false;
  }
  const kind: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a worker, a `vm`) has a prototype of its own.
  return kind === null || kind === Object.prototype || Object.getPrototypeOf(kind) === null;
}

function isPlainThroughout(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.every(isPlainThroughout);
  }
  return isPlain(value) ? Object.values(value).every(isPlainThroughout) : typeof value !== "object" || value === null;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, at) => isEqual(each, other[at]));
  }
  if (isObject(one) && isObject(other)) {
    return hasSameKeys(one, other) && Object.keys(one).every((key) => isEqual(one[key], other[key]));
  }
  return one === other;
}

function bytesAsText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }
}
