/** What a payment card's number, expiry date and security code must look like. */

import { TEST_CARDS } from "./test_cards.js";

const SANDBOX_ONLY =
  "must be one of the test cards below. This shop is a sandbox: please keep your own cards to yourself";

/** American Express groups its 15 digits by itself, and has four digits of security code. */
const isAmex = (digits) => /^3[47]/.test(digits);

export const codeLength = (digits) => (isAmex(digits) ? 4 : 3);

export const digitsOf = (text) => text.replace(/\D/g, "");

/** "4242 4242 4242 4242", "3782 822463 10005": as it is embossed on the card. */
export function grouped(text) {
  const amex = isAmex(digitsOf(text));
  const digits = digitsOf(text).slice(0, amex ? 15 : 19);
  const sizes = amex ? [4, 6, 5] : [4, 4, 4, 4, 3];
  let at = 0;
  return sizes
    .map((size) => digits.slice(at, (at += size)))
    .filter(Boolean)
    .join(" ");
}

/** "12 / 30" of what is typed, pasted or filled in: "1230", "12/2030", "1/30". */
export function expiryOf(text) {
  const [before, after] = text.split("/").map(digitsOf);
  // No month begins with a digit above 1; with a slash behind it, a single digit is all of it.
  const isShort = /^[2-9]/.test(before) || (before.length === 1 && after !== undefined);
  const month = isShort ? `0${before}` : before;
  const year = month.slice(2) + (after ?? "");
  if (year === "" && after === undefined) return month;
  return `${month.slice(0, 2)} / ${shortYear(year)}`;
}

/** The last two digits; a year that begins with 20 may have four, and three on the way there. */
function shortYear(digits) {
  if (!digits.startsWith("20")) return digits.slice(0, 2);
  return digits.length < 4 ? digits : digits.slice(2, 4);
}

/** The check digit of ISO/IEC 7812: finds every single wrong digit, and most swapped ones. */
export function passesLuhn(digits) {
  const sum = Array.from(digits)
    .reverse()
    .map((digit, at) => Number(digit) * (at % 2 === 0 ? 1 : 2))
    .reduce((total, value) => total + (value > 9 ? value - 9 : value), 0);
  return sum % 10 === 0;
}

/**
 * The token that the payment provider gives for a card, and what is wrong with the card: `{token,
 * errors}`, errors as the API's. A card is good through its last month, by `now`.
 */
export function tokenize({ number, expiry, code, name }, now) {
  const digits = digitsOf(number);
  const testCard = TEST_CARDS.find((card) => card.number === digits);
  const errors = [
    ["card.number", numberFault(digits, testCard)],
    ["card.expiry", expiryFault(expiry, now)],
    ["card.code", codeFault(code, codeLength(digits))],
    ["card.name", name.trim() ? null : "must not be empty"],
  ];
  return {
    token: testCard?.token ?? null,
    errors: errors
      .filter(([, message]) => message !== null)
      .map(([field, message]) => ({ field, message })),
  };
}

function numberFault(digits, testCard) {
  if (digits === "") return "must not be empty";
  if (digits.length < 12 || !passesLuhn(digits)) return "has a typing error: please check its digits";
  return testCard ? null : SANDBOX_ONLY;
}

function expiryFault(text, now) {
  if (text.trim() === "") return "must not be empty";
  const [, month, year] = expiryOf(text).match(/^(\d\d) \/ (\d\d)$/)?.map(Number) ?? [];
  if (!(month >= 1 && month <= 12)) return "must be a month and a year, such as 04 / 30";
  const firstDayAfter = new Date(2000 + year, month, 1);
  return now < firstDayAfter ? null : "is in the past";
}

function codeFault(text, length) {
  if (text.trim() === "") return "must not be empty";
  return digitsOf(text).length === length ? null : `must have ${length} digits`;
}
