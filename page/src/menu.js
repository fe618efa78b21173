/** A button that shows further buttons. Escape closes it, and so does whatever happens elsewhere. */
import { button, element, newId } from "./elements.js";

/**
 * @param {string} text
 * @param {{text: string, help?: string, onclick: () => void}[]} items
 * @returns {{node: HTMLElement, button: HTMLButtonElement, stop: () => void}}
 */
export function createMenu(text, items) {
  const id = newId("menu");
  const opener = button(text, () => show(panel.hidden), { "aria-expanded": "false", "aria-controls": id, class: "opens" });
  const panel = element(
    "ul",
    { id, class: "menu", hidden: true },
    items.map((item) =>
      element("li", {}, button(item.text, () => choose(item)), item.help && element("span", { class: "help" }, item.help)),
    ),
  );
  const node = element("div", { class: "menu-of", onkeydown: pressed, onfocusout: left }, opener, panel);

  function show(isShown) {
    panel.hidden = !isShown;
    opener.setAttribute("aria-expanded", String(isShown));
    // It opens towards the left, as the button is at the right; on a narrow screen that would be beside the page.
    panel.classList.toggle("from-left", opener.getBoundingClientRect().right < panel.offsetWidth);
  }

  function choose({ onclick }) {
    show(false);
    opener.focus();
    onclick();
  }

  function pressed(event) {
    const buttons = [...panel.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape" && !panel.hidden) {
      show(false);
      opener.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      show(true);
      buttons.at((at + (event.key === "ArrowDown" ? 1 : -1) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % buttons.length).focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function left({ relatedTarget }) {
    if (relatedTarget && !node.contains(relatedTarget)) show(false);
  }

  const elsewhere = ({ target }) => node.contains(target) || show(false);
  document.addEventListener("pointerdown", elsewhere);
  return { node, button: opener, stop: () => document.removeEventListener("pointerdown", elsewhere) };
}
