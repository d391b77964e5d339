/**
 * One checkout attempt has one Idempotency-Key, so that a double click, a retry after a lost reply
 * or a reload cannot turn one basket into two orders: the API answers a repeated key with the order
 * that it made the first time. Another basket, address or card is another attempt with a new key.
 */

import { record } from "./storage.js";

// The key outlives the tab: the same basket sent from a second tab is still the same attempt.
const attempt = record(
  "localStorage",
  "sagashop.checkout-attempt",
  (value) => typeof value?.key === "string" && typeof value.digest === "string",
);

// What was typed survives a reload but not the tab: a shared computer must not keep an address.
const draft = record(
  "sessionStorage",
  "sagashop.checkout-draft",
  (value) => value !== null && typeof value === "object",
);

/** The Idempotency-Key under which this request body is sent, however often it is sent. */
export function keyFor(body) {
  const digest = digestOf(JSON.stringify(body));
  const known = attempt.read();
  if (known?.digest === digest) return known.key;
  const key = newKey();
  attempt.write({ key, digest });
  return key;
}

/** Discards the key: the next submission is an order of its own. */
export function renewKey() {
  attempt.write(null);
}

/** What the shopper has typed so far: `{field: text}`. */
export function readDraft() {
  return draft.read() ?? {};
}

/** Keeps what the shopper has typed. */
export function saveDraft(fields) {
  draft.write(fields);
}

/** Forgets what the shopper has typed. */
export function discardDraft() {
  draft.write(null);
}

/** The order is placed: the attempt is over. */
export function finish() {
  renewKey();
  discardDraft();
}

/** 128 random bits; crypto.randomUUID does not exist on plain http, as S3 websites are. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** 64-bit FNV-1a: tells one request from another without storing the address that is in it. */
function digestOf(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16);
}
