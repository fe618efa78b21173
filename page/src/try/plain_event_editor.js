import { element } from "../elements.js";

/** An editor of the event without colours, with the interface of the one that has them. */
export function createEventEditor(container, { onChange, label }) {
  const area = element("textarea", { "aria-label": label, spellcheck: "false", rows: 24, oninput: () => onChange(area.value) });
  container.append(area);
  return {
    getText: () => area.value,
    setText: (text) => { area.value = text; },
    highlight: () => {},
    onPointer: () => {},
    showProblems: (problems) => area.setAttribute("aria-invalid", String(problems.length > 0)),
    destroy: () => area.remove(),
  };
}
