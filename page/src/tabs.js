/** Tabs by the ARIA pattern: one stop of the Tab key, arrows between the tabs, and the panel after them. */
import { element, fill, newId } from "./elements.js";

/**
 * Return tabs.
 *
 * @param {object} options
 * @param {string} options.label
 * @param {{key: string, title: string, show: (panel: HTMLElement) => void}[]} options.tabs  `show` fills the panel
 * @param {string} [options.selected]
 * @param {(key: string) => void} [options.onSelect]
 * @param {any} [options.beside]  what is shown at the end of the line of tabs
 */
export function createTabs({ label, tabs, selected = tabs[0].key, onSelect = () => {}, beside = null }) {
  const id = newId("tabs");
  const panel = element("div", { role: "tabpanel", id: `${id}-panel`, class: "panel" });
  const buttons = tabs.map(({ key, title }) =>
    element("button", {
      type: "button", role: "tab", id: `${id}-${key}`, "aria-controls": `${id}-panel`, onclick: () => select(key), onkeydown: move,
    }, title),
  );
  const node = element(
    "div",
    { class: "tabs" },
    element("div", { class: "line" }, element("div", { role: "tablist", "aria-label": label }, buttons), beside),
    panel,
  );

  function select(key) {
    selected = key;
    show();
    onSelect(key);
  }

  function show() {
    tabs.forEach(({ key }, at) => {
      buttons[at].setAttribute("aria-selected", String(key === selected));
      buttons[at].tabIndex = key === selected ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `${id}-${selected}`);
    fill(panel);
    tabs.find(({ key }) => key === selected).show(panel);
  }

  function move(event) {
    const at = tabs.findIndex(({ key }) => key === selected);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const target = (next + tabs.length) % tabs.length;
    select(tabs[target].key);
    buttons[target].focus();
  }

  show();
  return { node, select, show, get selected() { return selected; } };
}
