/** Signs in to an account. */

import { ApiProblem } from "../api.js";
import { el } from "../dom.js";
import { showProblem } from "../form_errors.js";
import { field, onSubmit, passwordField, problemBox } from "../forms.js";
import { notice } from "../parts.js";
import { signInFrom } from "../routes.js";
import * as session from "../session.js";

const TEXTS = {
  busy: "Signing in…",
  labels: { email: "Email", password: "Password" },
  wrong: "Please check what you typed",
  refused: "We couldn’t sign you in",
  safe: "Your basket and your orders are safe.",
  lost: "Please press the button again in a moment.",
};
const ENDINGS = {
  "signed out": "You are signed out.",
  deleted: "Your account is deleted, and you are signed out everywhere.",
  expired: "Your session has ended. Please sign in again; nothing is lost.",
};

export async function signInView({ api, params: [to = ""] }) {
  if (session.isSignedIn()) return signedInAlready();
  return signInPage(api, () => location.replace(`#/${to}`));
}

/** The page with the form; `done()` is called once somebody has signed in. */
export function signInPage(api, done) {
  const title = "Sign in";
  const ending = ENDINGS[session.ending()];
  const content = el(
    "section",
    { class: "narrow" },
    el("h1", {}, title),
    ending && el("p", { role: "status" }, ending),
    signInForm(api, done),
    el(
      "p",
      {},
      "New here? ",
      el("a", { href: signInFrom(location.hash, "register") }, "Open an account"),
      ". You can also order without one.",
    ),
  );
  return { title, content };
}

/** What somebody sees who is signed in and opens a page that is for signing in. */
export function signedInAlready() {
  const title = "You are signed in";
  const orders = el("a", { class: "button", href: "#/orders" }, "Your orders");
  const account = el("a", { class: "button quiet", href: "#/account" }, "Your account");
  return { title, content: notice("parcel", title, [], orders, account) };
}

function signInForm(api, done) {
  const { labels } = TEXTS;
  const submit = el("button", { type: "submit", class: "button wide" }, "Sign in");
  const form = el(
    "form",
    { novalidate: true, "aria-label": "Sign in" },
    problemBox(),
    field("email", labels.email, { type: "email", autocomplete: "username" }),
    passwordField("password", labels.password, "current-password"),
    submit,
  );
  const send = async (credentials) => {
    await api.signIn(credentials);
    done();
  };
  const explain = (error) => {
    if (!(error instanceof ApiProblem && error.code === "WRONG_CREDENTIALS")) return false;
    const advice =
      "Please check both and try again. If you don’t remember the password, you can still order " +
      "without an account, and open your orders with the links in our mails.";
    showProblem(form, error.message, el("p", {}, advice));
    return true;
  };
  onSubmit(form, submit, TEXTS, send, { explain });
  return form;
}
