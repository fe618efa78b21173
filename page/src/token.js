/**
 * The token of a page that is not on a loopback address. It is kept in memory only: in no storage, which other pages of this
 * host could read, and in no link.
 */
import { openDialog } from "./dialog.js";
import { element, fill, newId } from "./elements.js";
import { alertReader } from "./live_region.js";

let known = null;

/** Return the token that the user gave since the page was loaded, or null. */
export function token() {
  return known;
}

/** Forget a token that the server does not accept, unless the user has given another one since. */
export function forgetToken(refused) {
  if (known === refused) known = null;
}

let asking = null;

/** Ask for the token, once for all requests that wait for it. Return whether the user gave one. */
export function askForToken(message) {
  asking ??= openDialog("A token is needed", (close) => {
    const id = newId("token");
    const input = element("input", { id, type: "password", autocomplete: "off", required: true, autofocus: true, "aria-describedby": `${id}-problem` });
    const problem = element("p", { class: "problem", id: `${id}-problem` });
    const submit = (event) => {
      event.preventDefault();
      const given = input.value.trim();
      // A browser sends no other characters in a header, and would say that the server is not there.
      if (/[^\u0020-\u00ff]/.test(given)) {
        fill(problem, "A token has no such characters. Copy it again.");
        alertReader(problem.textContent);
        return;
      }
      known = given;
      close(true);
    };
    return element(
      "form",
      { onsubmit: submit },
      element("p", {}, message),
      element("label", { for: id }, "Token"),
      input,
      problem,
      element("div", { class: "actions" }, element("button", { type: "submit", class: "primary" }, "Continue")),
    );
  }, { className: "lasting" }).finally(() => {
    asking = null;
  });
  return asking.then((given) => given === true);
}
