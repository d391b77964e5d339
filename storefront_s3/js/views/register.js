/** Opens an account, and signs in to it. */

import { ApiProblem } from "../api.js";
import { el } from "../dom.js";
import { showProblem } from "../form_errors.js";
import { field, onSubmit, passwordField, problemBox } from "../forms.js";
import { signInFrom } from "../routes.js";
import * as session from "../session.js";
import { signedInAlready } from "./sign_in.js";

export const PASSWORD_HINT = "8 to 128 characters, whichever you like. A sentence is easy to keep.";
const TEXTS = {
  busy: "Opening your account…",
  labels: { name: "Name", email: "Email", password: "Password" },
  wrong: "Please check what you typed",
  refused: "We couldn’t open your account",
  safe: "Your basket is safe, and you can order without an account.",
  lost:
    "Please press the button again. If it then says that the address has an account, the first " +
    "try has reached us: sign in.",
};

export async function registerView({ api, params: [to = ""] }) {
  if (session.isSignedIn()) return signedInAlready();
  const title = "Open an account";
  const signIn = () => el("a", { href: signInFrom(location.hash) }, "Sign in");
  const content = el(
    "section",
    { class: "narrow" },
    el("h1", {}, title),
    el("p", {}, "With an account you find your orders on any device, and in one list."),
    registration(api, signIn, () => location.replace(`#/${to}`)),
    el("p", {}, "You have one? ", signIn(), "."),
  );
  return { title, content };
}

function registration(api, signIn, done) {
  const { labels } = TEXTS;
  const submit = el("button", { type: "submit", class: "button wide" }, "Open the account");
  const form = el(
    "form",
    { novalidate: true, "aria-label": "Open an account" },
    problemBox(),
    field("name", labels.name, { autocomplete: "name" }),
    field("email", labels.email, { type: "email", autocomplete: "email" }),
    passwordField("password", labels.password, "new-password", PASSWORD_HINT),
    submit,
  );
  const send = async (account) => {
    await api.register(account);
    await api.signIn({ email: account.email, password: account.password });
    done();
  };
  const explain = (error) => {
    if (!(error instanceof ApiProblem && error.code === "EMAIL_TAKEN")) return false;
    const advice = [signIn(), " with your password, or use another address."];
    showProblem(form, "This address has an account already", el("p", {}, advice));
    return true;
  };
  onSubmit(form, submit, TEXTS, send, { explain });
  return form;
}
