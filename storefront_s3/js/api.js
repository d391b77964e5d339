/** The shop's APIs. Answers are their JSON bodies; failures are the errors below. */

import * as session from "./session.js";

/** Long enough for a cold start, short enough for a shopper to still be there. */
const TIMEOUT_MS = 20_000;

/**
 * The API answered with an error (RFC 9457 problem+json). `errors` is `[{field, message}]`;
 * `retryAfter` is in how many seconds to try again, or null.
 */
export class ApiProblem extends Error {
  constructor(status, problem, retryAfter = null) {
    super(problem.detail ?? problem.title ?? `The shop answered with an error (${status}).`);
    this.status = status;
    this.code = problem.code ?? null;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.retryAfter = retryAfter;
  }
}

/** What needs an account was refused, because nobody is signed in any more. */
export class SignedOut extends ApiProblem {
  constructor() {
    super(401, { detail: "Your session has ended. Please sign in again.", code: "SIGNED_OUT" });
  }
}

/** No answer came, so whether the request was carried out is not known. */
export class ApiUnreachable extends Error {
  constructor(cause) {
    super("The shop could not be reached.", { cause });
  }
}

/**
 * The calls that the shop makes to its APIs. `signal` aborts those that read;
 * `tokenOf(orderId)` is the token that opens an order, or null. Who is signed in sends the access
 * token instead where there is none.
 */
export function connect({ apiUrl: baseUrl, websocketUrl }, tokenOf) {
  const get = (path, signal, headers = {}) => request(baseUrl + path, { signal, headers });
  const send = (method, path, body, headers = {}) =>
    request(baseUrl + path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const post = (path, body, headers) => send("POST", path, body, headers);
  const part = encodeURIComponent;

  /** Calls with the account's token, and once more with a new one where the shop refuses it. */
  async function asAccount(call) {
    const token = await session.accessToken(renew);
    if (token === null) throw new SignedOut();
    try {
      return await call(bearer(token));
    } catch (error) {
      if (!isRefusedToken(error)) throw error;
    }
    const renewed = await session.accessToken(renew, token);
    if (renewed === null) throw new SignedOut();
    return call(bearer(renewed));
  }

  const asShopper = (call) => (session.isSignedIn() ? asAccount(call) : call({}));

  /** Calls with the order's own token; without one, or with one that has expired, as its owner. */
  async function asHolder(id, call) {
    const token = tokenOf(id);
    if (token !== null) {
      try {
        return await call(bearer(token));
      } catch (error) {
        if (!isRefusedToken(error)) throw error;
      }
    }
    return asShopper(call);
  }

  async function renew(refreshToken) {
    try {
      return await post("/sessions/refresh", { refresh_token: refreshToken });
    } catch (error) {
      if (isRefusedToken(error)) return null;
      throw error;
    }
  }

  const getOf = (id, path, signal) =>
    asHolder(id, (headers) => get(`/orders/${part(id)}${path}`, signal, headers));
  const postTo = (id, path, body) =>
    asHolder(id, (headers) => post(`/orders/${part(id)}${path}`, body, headers));
  return {
    listProducts: async (signal) => (await get("/products", signal)).products,
    getProduct: (sku, signal) => get(`/products/${part(sku)}`, signal),
    getOrder: (id, signal) => getOf(id, "", signal),
    getTimeline: async (id, signal) => (await getOf(id, "/timeline", signal)).events,
    getSaga: (id, signal) => getOf(id, "/saga", signal),
    /** Where an order can be watched, or null. A browser sends no headers with a WebSocket. */
    liveAddress: async (id) => {
      if (!websocketUrl) return null;
      const token = tokenOf(id) ?? (await session.accessToken(renew).catch(() => null));
      return token ? `${websocketUrl}?token=${token}` : null;
    },
    placeOrder: (order, idempotencyKey, correlationId) =>
      asShopper((headers) =>
        post("/orders", order, {
          "Idempotency-Key": idempotencyKey,
          ...(correlationId ? { "X-Correlation-Id": correlationId } : {}),
          ...headers,
        }),
      ),
    payForOrder: (id, token) => postTo(id, "/payment", { token }),
    listFailures: async (signal) => (await get("/sandbox/failures", signal)).failures,
    armFailure: (correlationId, failure) =>
      post("/sandbox/failures", { correlation_id: correlationId, failure }),
    cancelOrder: (id) => postTo(id, "/cancel", {}),
    register: (account) => post("/accounts", account),
    signIn: async (credentials) => session.begin(await post("/sessions", credentials)),
    /** Ends the session in this browser, whether or not the shop can be told. */
    signOut: async () => {
      try {
        await asAccount((headers) => send("DELETE", "/sessions/current", {}, headers));
      } finally {
        session.end("signed out");
      }
    },
    getAccount: (signal) => asAccount((headers) => get("/accounts/me", signal, headers)),
    changePassword: (passwords) =>
      asAccount((headers) => post("/accounts/me/password", passwords, headers)),
    deleteAccount: async (password) => {
      await asAccount((headers) => send("DELETE", "/accounts/me", { password }, headers));
      session.end("deleted");
    },
    /** A page of the account's orders, the newest first: `{orders, next_cursor}`. */
    listOwnOrders: (cursor, signal) => {
      const query = cursor === null ? "" : `?cursor=${part(cursor)}`;
      return asAccount((headers) => get(`/customers/me/orders${query}`, signal, headers));
    },
  };
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

const isRefusedToken = (error) =>
  error instanceof ApiProblem && error.status === 401 && error.code === "INVALID_TOKEN";

async function request(url, { signal, ...options }) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      ...options,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body = await response.text();
    if (!response.ok) {
      throw new ApiProblem(response.status, parse(body) ?? {}, secondsOf(response));
    }
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof ApiProblem || signal?.aborted) throw error;
    throw new ApiUnreachable(error);
  }
}

/** A gateway in front of the API may answer with something that isn't JSON. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function secondsOf(response) {
  const header = response.headers.get("Retry-After");
  return /^\d+$/.test(header) ? Number(header) : null;
}
