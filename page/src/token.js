/**
 * The token of a page that is not on a loopback address. It is kept in memory only: in no storage, which other pages of this
 * host could read, and in no link.
 */
import { openDialog } from "./dialog.js";
import { element, newId } from "./elements.js";

let known = null;

/** Return the token that the user gave since the page was loaded, or null. */
export function token() {
  return known;
}

/** Forget a token that the server does not accept. */
export function forgetToken() {
  known = null;
}

let asking = null;

/** Ask for the token, once for all requests that wait for it. Return whether the user gave one. */
export function askForToken(message) {
  asking ??= openDialog("A token is needed", (close) => {
    const id = newId("token");
    const input = element("input", { id, type: "password", autocomplete: "off", required: true, autofocus: true });
    const submit = (event) => {
      event.preventDefault();
      known = input.value.trim();
      close(true);
    };
    return element(
      "form",
      { onsubmit: submit },
      element("p", {}, message),
      element("label", { for: id }, "Token"),
      input,
      element("div", { class: "actions" }, element("button", { type: "submit", class: "primary" }, "Continue")),
    );
  }).finally(() => {
    asking = null;
  });
  return asking.then((given) => given === true);
}
