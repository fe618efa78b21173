/** Dialogs: the browser's own, which keep the focus inside and close with Escape. */
import { button, element, newId } from "./elements.js";

/**
 * Open a dialog and return how it was closed.
 *
 * `content(close)` returns the children; `close(value)` closes it with a value. Escape closes it with undefined. The focus
 * returns to where it was.
 *
 * @template T
 * @param {string} title
 * @param {(close: (value?: T) => void) => any} content
 * @param {{className?: string}} [options]
 * @returns {Promise<T | undefined>}
 */
export function openDialog(title, content, { className = "" } = {}) {
  const opener = document.activeElement;
  return new Promise((resolve) => {
    let result;
    const id = newId("dialog");
    const dialog = element("dialog", { "aria-labelledby": id, class: className });
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.append(
      element(
        "header",
        {},
        element("h2", { id }, title),
        button("×", () => close(), { class: "close", "aria-label": "Close" }),
      ),
      element("div", { class: "content" }, content(close)),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
    // The first field or button of the content, not the button that closes.
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector(".content :is(input, textarea, select, button)"))?.focus();
  });
}

/** Close all dialogs but those of a class `lasting`, as Escape would. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]:not(.lasting)")) dialog.close();
}

/**
 * Ask before something that cannot be undone. Return whether to do it.
 *
 * @param {{title: string, text: any, confirm: string, isDangerous?: boolean}} question
 * @returns {Promise<boolean>}
 */
export async function ask({ title, text, confirm, isDangerous = false }) {
  const answer = await openDialog(title, (close) => [
    element("div", {}, text),
    element(
      "div",
      { class: "actions" },
      button("Cancel", () => close(false), { autofocus: true }),
      button(confirm, () => close(true), { class: isDangerous ? "danger" : "primary" }),
    ),
  ]);
  return answer === true;
}
