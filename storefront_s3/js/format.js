/** Money, times and stock in the shopper's words. */

/** Up to this many units left, the stock is told as a number. */
const FEW = 5;

/** `price(129900, "USD")` is "$1,299.00": minor units, in the notation of the shopper's locale. */
export function price(amount, currency) {
  const notation = new Intl.NumberFormat(undefined, { style: "currency", currency });
  // Not every currency has hundredths: the yen has none, the dinar thousandths.
  const digits = notation.resolvedOptions().maximumFractionDigits;
  return notation.format(amount / 10 ** digits);
}

/** "In stock", "Only 3 left" or "Sold out", with a tone (good, warn, bad) to colour it. */
export function stock(available) {
  if (available <= 0) return { text: "Sold out", tone: "bad" };
  if (available <= FEW) return { text: `Only ${available} left`, tone: "warn" };
  return { text: "In stock", tone: "good" };
}

/** What is missing for this quantity, "Only 3 left" or "Sold out"; nothing where there is enough. */
export function shortage(quantity, available) {
  if (quantity <= available) return "";
  return available > 0 ? `Only ${available} left` : "Sold out";
}

/** An ISO 8601 instant as the shopper's clock shows it; the date is left out for today's. */
export function instant(iso) {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(undefined, {
    timeStyle: "medium",
    ...(isToday ? {} : { dateStyle: "medium" }),
  }).format(date);
}

/** `duration(843)` is "14 min 3 s", `duration(43)` is "43 s". */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** "in 43 s", "at 2:36 PM" or, where it is not known, "in a moment": when to try again. */
export function timeToRetry(seconds) {
  if (seconds === null) return "in a moment";
  if (seconds < 60) return `in ${seconds} s`;
  // Rounded up: nobody should come back too early.
  const at = new Date(Math.ceil((Date.now() + seconds * 1000) / 60_000) * 60_000);
  return `at ${new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(at)}`;
}

/** The day of an ISO 8601 instant, by the shopper's calendar. */
export function day(iso) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "long" }).format(new Date(iso));
}

/** `units(1)` is "1 item", `units(3)` is "3 items". */
export function units(count) {
  return count === 1 ? "1 item" : `${count} items`;
}
