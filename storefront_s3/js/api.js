/** The shop's APIs. Answers are its JSON bodies; failures are the two errors below. */

/** Long enough for a cold start, short enough for a shopper to still be there. */
const TIMEOUT_MS = 20_000;

/** The API answered with an error (RFC 9457 problem+json). `errors` is `[{field, message}]`. */
export class ApiProblem extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The shop answered with an error (${status}).`);
    this.status = status;
    this.code = problem.code ?? null;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
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
 * `tokenOf(orderId)` is the token that opens an order, or null.
 */
export function connect({ apiUrl: baseUrl, websocketUrl }, tokenOf) {
  const get = (path, signal, headers = {}) => request(baseUrl + path, { signal, headers });
  const post = (path, body, headers = {}) =>
    request(baseUrl + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const part = encodeURIComponent;
  const authorized = (id) => {
    const token = tokenOf(id);
    return token ? { Authorization: `Bearer ${token}` } : {};
  };
  const getOf = (id, path, signal) => get(`/orders/${part(id)}${path}`, signal, authorized(id));
  const postTo = (id, path, body) => post(`/orders/${part(id)}${path}`, body, authorized(id));
  return {
    listProducts: async (signal) => (await get("/products", signal)).products,
    getProduct: (sku, signal) => get(`/products/${part(sku)}`, signal),
    getOrder: (id, signal) => getOf(id, "", signal),
    getTimeline: async (id, signal) => (await getOf(id, "/timeline", signal)).events,
    getSaga: (id, signal) => getOf(id, "/saga", signal),
    /** Where an order can be watched, or null. A browser sends no headers with a WebSocket. */
    liveAddress: async (id) => {
      const token = websocketUrl && tokenOf(id);
      return token ? `${websocketUrl}?token=${token}` : null;
    },
    placeOrder: (order, idempotencyKey, correlationId) =>
      post("/orders", order, {
        "Idempotency-Key": idempotencyKey,
        ...(correlationId ? { "X-Correlation-Id": correlationId } : {}),
      }),
    payForOrder: (id, token) => postTo(id, "/payment", { token }),
    listFailures: async (signal) => (await get("/sandbox/failures", signal)).failures,
    armFailure: (correlationId, failure) =>
      post("/sandbox/failures", { correlation_id: correlationId, failure }),
    cancelOrder: (id) => postTo(id, "/cancel", {}),
  };
}

async function request(url, { signal, ...options }) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      ...options,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body = await response.text();
    if (!response.ok) throw new ApiProblem(response.status, parse(body) ?? {});
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
