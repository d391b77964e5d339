/**
 * Runs on the error page: an address such as /orders/ord_1 (typed or shared without the `#`) has
 * no file in the bucket, but the shop has a view for it.
 */

const KNOWN_VIEWS = /^\/(products\/[^/]+|basket|checkout|orders(\/[^/]+)?)\/?$/;

if (KNOWN_VIEWS.test(location.pathname)) {
  location.replace(`/#${location.pathname.replace(/\/$/, "")}`);
}
