/** The sandbox's test cards: what each makes the payment provider do, in words for a shopper. */

export const TEST_CARDS = [
  {
    token: "tok_visa",
    name: "Visa that works",
    effect: "The payment goes through.",
  },
  {
    token: "tok_declined",
    name: "Declined card",
    effect: "The bank declines it: the order is cancelled and its stock released.",
  },
  {
    token: "tok_insufficient_funds",
    name: "Card without enough money",
    effect: "The bank declines it for lack of funds.",
  },
  {
    token: "tok_flaky",
    name: "Unreliable connection",
    effect: "The payment fails twice, then goes through by itself.",
  },
  {
    token: "tok_lost_reply",
    name: "Lost reply",
    effect: "The bank takes the money, but its answer is lost: we find the payment and refund it.",
  },
  {
    token: "tok_refund_fails",
    name: "Refund that fails",
    effect: "The payment goes through. If it must be undone, the refund fails and a person helps.",
  },
];

/** No card yet: the shop sets the items aside and awaits the payment. */
export const PAY_LATER = {
  token: "",
  name: "Pay later",
  effect: "We set your items aside for a while; you pay on the order’s page.",
};
