/**
 * The session of the account that is signed in, shared by the tabs of this browser. ADR 0025 says
 * why localStorage holds it.
 *
 * A refresh token is valid once, and the shop ends a session whose spent token comes again. So one
 * tab at a time renews the session, and looks first whether another one has done it meanwhile.
 */

import { record } from "./storage.js";

/** Renewed this long before it expires: a token should not expire on its way. */
const MARGIN_MS = 30_000;

/** How long other tabs may take to see what one has stored: browsers tell them, but not at once. */
const SETTLED_MS = 100;

const isSession = (value) =>
  typeof value?.accessToken === "string" &&
  typeof value.refreshToken === "string" &&
  Number.isFinite(value.expiresAt);

const stored = record("localStorage", "sagashop.session", isSession);
const listeners = new Set();
let renewal = null;
let howItEnded = null;

export function isSignedIn() {
  return stored.read() !== null;
}

/** Keeps the tokens of a session, as `POST /sessions` answers them. */
export function begin(tokens) {
  keep(tokens);
  howItEnded = null;
  tell(false);
}

/** Forgets the session; `how` is "signed out", "deleted" or, where the shop ended it, "expired". */
export function end(how) {
  stored.write(null);
  howItEnded = how;
  tell(false);
}

/** How the session ended that this page had, or null. */
export function ending() {
  return howItEnded;
}

/** Calls `listener({elsewhere})` after each sign-in and sign-out, in this or in another tab. */
export function onChange(listener) {
  listeners.add(listener);
}

/**
 * An access token that is valid now, or null where nobody is signed in. `renew(refreshToken)` asks
 * the shop for the next tokens, and returns null where the session has ended. `refused` is a token
 * that the shop did not accept, whatever this browser's clock says.
 */
export async function accessToken(renew, refused = null) {
  const usable = (session) =>
    session.accessToken !== refused && Date.now() < session.expiresAt - MARGIN_MS;
  const session = stored.read();
  if (session === null) return null;
  if (usable(session)) return session.accessToken;
  renewal ??= inTurn(async () => {
    const latest = stored.read();
    if (latest === null || usable(latest)) return;
    const tokens = await renew(latest.refreshToken);
    // Somebody who signed out meanwhile stays signed out.
    if (stored.read()?.refreshToken !== latest.refreshToken) return;
    if (tokens === null) end("expired");
    else keep(tokens);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  }).finally(() => (renewal = null));
  await renewal;
  return stored.read()?.accessToken ?? null;
}

/**
 * Runs `task` while no other tab does. Pages on plain http have no locks: two of their tabs that
 * renew at the same moment have to sign in again.
 */
async function inTurn(task) {
  return navigator.locks ? navigator.locks.request(stored.name, task) : task();
}

function keep(tokens) {
  stored.write({
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    expiresAt: Date.now() + tokens.expires_in * 1000,
  });
}

function tell(elsewhere) {
  for (const listener of listeners) listener({ elsewhere });
}

window.addEventListener("storage", ({ key, oldValue, newValue }) => {
  // A renewal changes the tokens; a null key: the other tab has cleared the whole storage.
  if (key === null || (key === stored.name && (oldValue === null || newValue === null))) tell(true);
});
