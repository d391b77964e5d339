/**
 * The sandbox's test cards: the token that stands for each, and what it makes the payment provider
 * do, in words for a shopper.
 */

export const TEST_CARDS = [
  {
    number: "4242424242424242",
    token: "tok_visa",
    name: "Visa that works",
    effect: "The payment goes through.",
  },
  {
    number: "4000000000000002",
    token: "tok_declined",
    name: "Declined card",
    effect: "The bank declines it: the order is cancelled and its stock released.",
  },
  {
    number: "4000000000009995",
    token: "tok_insufficient_funds",
    name: "Card without enough money",
    effect: "The bank declines it for lack of funds.",
  },
  {
    number: "5555555555554444",
    token: "tok_flaky",
    name: "Unreliable connection",
    effect: "The payment fails twice, then goes through by itself.",
  },
  {
    number: "378282246310005",
    token: "tok_lost_reply",
    name: "Lost reply",
    effect: "The bank takes the money, but its answer is lost: we find the payment and refund it.",
  },
  {
    number: "4000000000005126",
    token: "tok_refund_fails",
    name: "Refund that fails",
    effect: "The payment goes through. If it must be undone, the refund fails and a person helps.",
  },
];
