/**
 * The shop's addresses: `#/` and a path. A part in braces is a parameter. Each route names the
 * entry of the main menu that it belongs to.
 */

export const ROUTES = [
  { name: "products", path: "/", menu: "products" },
  { name: "product", path: "/products/{sku}", menu: "products" },
  { name: "basket", path: "/basket", menu: "basket" },
  { name: "checkout", path: "/checkout", menu: "basket" },
  { name: "orders", path: "/orders", menu: "orders" },
  { name: "order", path: "/orders/{order_id}", menu: "orders" },
  { name: "signIn", path: "/sign-in", menu: "account" },
  { name: "signIn", path: "/sign-in/{to}", menu: "account" },
  { name: "register", path: "/register", menu: "account" },
  { name: "register", path: "/register/{to}", menu: "account" },
  { name: "account", path: "/account", menu: "account" },
];

const PATTERNS = ROUTES.map((route) => ({
  ...route,
  pattern: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, "([^/]+)")}$`),
}));

/** `{name, menu, params}` of the route that a path belongs to, or null. */
export function match(path) {
  for (const { name, menu, pattern } of PATTERNS) {
    const found = path.match(pattern);
    if (found) return { name, menu, params: found.slice(1).map(decode) };
  }
  return null;
}

/** Where to sign in (or, with "register", to register) so as to come back to the view at `hash`. */
export function signInFrom(hash, page = "sign-in") {
  const path = hash.slice(1);
  const route = match(path);
  const isOnTheWay = route?.name === "signIn" || route?.name === "register";
  const to = isOnTheWay ? (route.params[0] ?? "") : path.slice(1);
  return to ? `#/${page}/${encodeURIComponent(to)}` : `#/${page}`;
}

/** A mistyped address may hold a lone `%`; it then stands for itself. */
export function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
