/** The account that is signed in: who it is, its password, and its end. */

import { ApiProblem, ApiUnreachable } from "../api.js";
import { announce, el } from "../dom.js";
import { onSubmit, passwordField, problemBox } from "../forms.js";
import { day } from "../format.js";
import * as session from "../session.js";
import { PASSWORD_HINT } from "./register.js";
import { signInPage } from "./sign_in.js";

const LABELS = {
  current_password: "Current password",
  new_password: "New password",
  password: "Your password",
};
const CHANGING = {
  busy: "Changing it…",
  labels: LABELS,
  wrong: "Please check what you typed",
  refused: "We couldn’t change your password",
  safe: "Your password is still the same.",
  lost:
    "It may have been changed all the same. Press the button again: if we then say that the " +
    "current password is wrong, the new one is in force.",
};
const DELETING = {
  busy: "Deleting it…",
  labels: LABELS,
  wrong: "Please check what you typed",
  refused: "We couldn’t delete your account",
  safe: "Your account is still there.",
  lost: "Please press the button again to be sure that your account is deleted.",
};

export async function accountView({ api, signal, refresh }) {
  if (!session.isSignedIn()) return signInPage(api, refresh);
  const title = "Your account";
  const account = await api.getAccount(signal);
  const content = el(
    "article",
    { class: "account" },
    el("h1", {}, title),
    identity(account, api, refresh),
    panel("Change your password", passwordChange(account, api, refresh)),
    panel("Delete your account", deletion(account, api, refresh)),
  );
  return { title, content };
}

function identity(account, api, refresh) {
  const fact = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  const signOut = async () => {
    try {
      await api.signOut();
    } catch (error) {
      if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
      announce("The shop couldn’t be told, but this browser has forgotten your session.");
    }
    refresh();
  };
  return panel(
    "Who you are",
    el(
      "dl",
      { class: "facts" },
      fact("Name", account.name),
      fact("Email", account.email),
      fact("Customer since", day(account.created_at)),
      account.role === "operator" && fact("Role", "Operator"),
    ),
    el(
      "p",
      { class: "actions" },
      el("a", { class: "button quiet", href: "#/orders" }, "Your orders"),
      el("button", { type: "button", class: "button quiet", onclick: signOut }, "Sign out"),
    ),
  );
}

function passwordChange(account, api, refresh) {
  const submit = el("button", { type: "submit", class: "button" }, "Change the password");
  const form = accountForm(
    account,
    "Change your password",
    el("p", {}, "You stay signed in here, and are signed out everywhere else."),
    passwordField("current_password", LABELS.current_password, "current-password"),
    passwordField("new_password", LABELS.new_password, "new-password", PASSWORD_HINT),
    submit,
  );
  onSubmit(form, submit, CHANGING, async (passwords) => {
    await api.changePassword(passwords);
    refresh();
    announce("Your password is changed.");
  });
  return form;
}

function deletion(account, api, refresh) {
  const submit = el("button", { type: "submit", class: "button danger" }, "Delete the account");
  const form = accountForm(
    account,
    "Delete your account",
    el(
      "p",
      {},
      "This cannot be undone. Your name, your email address and your password are erased, and you " +
        "are signed out everywhere. Your orders stay in the shop’s books, without your name and " +
        "addresses; one that is under way is carried out first. Only the links in our mails open " +
        "them from then on.",
    ),
    passwordField("password", LABELS.password, "current-password"),
    submit,
  );
  onSubmit(form, submit, DELETING, async ({ password }) => {
    await api.deleteAccount(password);
    refresh();
  });
  return form;
}

/** A form of the account's; the address in it tells password managers whose password it is. */
function accountForm({ email }, label, ...children) {
  return el(
    "form",
    { novalidate: true, "aria-label": label },
    problemBox(),
    el("input", { type: "text", autocomplete: "username", value: email, hidden: true }),
    children,
  );
}

function panel(heading, ...children) {
  return el("section", { class: "panel", "aria-label": heading }, el("h2", {}, heading), children);
}
