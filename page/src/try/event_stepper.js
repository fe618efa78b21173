/** Step through the events of a file: one after the other, by number, or from change to change. */
import { button, element, fill, newId } from "../elements.js";

/**
 * Return the line of buttons. Events count from 1.
 *
 * @param {object} options
 * @param {(wanted: number) => void} options.onGo  goes to the nearest event that there is
 * @param {() => void} options.onRestore  shows the event again as it is in the file
 * @param {() => void} options.onClose
 */
export function createEventStepper({ onGo, onRestore, onClose }) {
  const id = newId("line");
  let at = 1;
  let most = 1;
  let changed = [];
  const number = element("input", { id, type: "number", min: 1, value: 1, inputmode: "numeric", onchange: () => go(Math.trunc(number.valueAsNumber) || at) });
  const count = element("span");
  const name = element("strong");
  const previous = button("‹", () => go(at - 1), { "aria-label": "Previous event", title: "Previous event (Alt+Page Up)" });
  const next = button("›", () => go(at + 1), { "aria-label": "Next event", title: "Next event (Alt+Page Down)" });
  const nextChange = button("Next change ›", () => onGo(changed.find((each) => each > at) ?? changed[0]), { hidden: true });
  const restore = button("Undo the changes", undo, { class: "quiet", hidden: true });
  const node = element(
    "div",
    { class: "stepper", role: "group", "aria-label": "Events of the file", hidden: true },
    name,
    element("span", { class: "step" }, previous, element("label", { for: id }, "Event"), number, count, next),
    nextChange,
    restore,
    button("Close the file", onClose, { class: "quiet" }),
  );

  function undo() {
    onRestore();
    next.focus();
  }

  /** Go to another event. Where there is none, the present one stays, with what was changed in it. */
  function go(wanted) {
    const nearest = Math.min(Math.max(wanted, 1), most);
    if (nearest === at) number.value = at;
    else onGo(nearest);
  }

  return {
    node,
    /** Go so many events on, or back. */
    step: (by) => go(at + by),
    /** Show the name of a file and how many events it has; null: there is none. */
    showFile(file) {
      node.hidden = file === null;
      if (file === null) return;
      most = file.events.length;
      fill(name, file.name);
      fill(count, `of ${most.toLocaleString("en")}`);
      number.max = most;
    },
    showAt(wanted) {
      at = wanted;
      number.value = at;
      // They keep the focus at the ends, where they do nothing.
      previous.setAttribute("aria-disabled", String(at === 1));
      next.setAttribute("aria-disabled", String(at === most));
    },
    showEdited(isEdited) {
      restore.hidden = !isEdited;
    },
    /** Offer to go through the events that a comparison found changed. */
    showChanged(lines) {
      changed = [...new Set(lines)].sort((one, other) => one - other);
      nextChange.hidden = changed.length === 0;
    },
    focus: () => next.focus(),
  };
}
