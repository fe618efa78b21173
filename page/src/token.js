/** The token of a page that is not on a loopback address. It is kept until the tab closes, and never in the link. */
import { openDialog } from "./dialog.js";
import { element, newId } from "./elements.js";

const KEY = "kable-page-token";

/** Return the token that the user gave, or null. */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** Forget a token that the server does not accept. */
export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

let asking = null;

/** Ask for the token, once for all requests that wait for it. Return whether the user gave one. */
export function askForToken(message) {
  asking ??= openDialog("A token is needed", (close) => {
    const id = newId("token");
    const input = element("input", { id, type: "password", autocomplete: "off", required: true, autofocus: true });
    const submit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, input.value.trim());
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
