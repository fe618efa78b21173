/** Copy text; where the browser does not let the page do it, show the text selected. */
import { button, element } from "../elements.js";
import { openDialog } from "../dialog.js";

/** Copy a text. Return whether it is in the clipboard; if not, the user was shown it to copy. */
export async function copyText(text, name) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard on other hosts; and the user may forbid it.
    await showText(text, name);
    return false;
  }
}

function showText(text, name) {
  return openDialog(name, (close) => {
    const area = element("textarea", { readonly: true, rows: 14, value: text, "aria-label": name, autofocus: true, onfocus: () => area.select() });
    return [
      element("p", {}, "The browser does not let this page use the clipboard. Copy the text with Ctrl+C, or ⌘C on a Mac."),
      area,
      element("div", { class: "actions" }, button("Close", () => close())),
    ];
  });
}
