/** The sandbox's test cards: what each makes the payment provider do, in a shopper's words. */

export const TEST_CARDS = [
  {
    token: "tok_visa",
    name: "Visa that works",
    effect: "The payment goes through.",
  },
  {
    token: "tok_declined",
    name: "Declined card",
    effect: "The bank says no: the order is cancelled and the stock is given back.",
  },
  {
    token: "tok_insufficient_funds",
    name: "Card without enough money",
    effect: "The bank says no for lack of funds.",
  },
  {
    token: "tok_flaky",
    name: "Unsteady connection",
    effect: "The payment fails twice, then goes through by itself.",
  },
  {
    token: "tok_lost_reply",
    name: "Lost reply",
    effect: "The bank takes the money but never says so: it is found and refunded.",
  },
  {
    token: "tok_refund_fails",
    name: "Refund that fails",
    effect: "The payment goes through. If it must be undone, the refund fails and a person helps.",
  },
];

/** No card yet: the shop sets the items aside and waits for the payment. */
export const PAY_LATER = {
  token: "",
  name: "Pay later",
  effect: "We set your items aside for a while, and you pay on your order’s page.",
};
