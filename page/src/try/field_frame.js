/** What is around an input of the form: its label, its help and its problems, joined for readers of the screen. */
import { element, fill, newId } from "../elements.js";
import { problemText } from "../problem_text.js";

/**
 * Return a frame. The input is found by `setInput`, and may be another one later.
 *
 * @param {object} options
 * @param {string} options.label
 * @param {string} [options.name]  the key in the configuration, shown as code
 * @param {{text: string, kind?: string}[]} [options.tags]
 * @param {string} [options.help]
 * @param {any} [options.beside]  what is shown at the end of the label's line
 */
export function createFieldFrame({ label, name = "", tags = [], help = "", beside = null }) {
  const id = newId("field");
  const content = element("div", { class: "content" });
  const problems = element("ul", { class: "problems", id: `${id}-problems`, hidden: true });
  const node = element(
    "div",
    { class: "field" },
    element(
      "div",
      { class: "named" },
      element("label", { for: id, id: `${id}-label` }, label),
      name && name !== label && element("code", {}, name),
      tags.map(({ text, kind = "plain" }) => element("span", { class: `tag ${kind}` }, text)),
      beside && element("span", { class: "beside" }, beside),
    ),
    help && element("p", { class: "help", id: `${id}-help` }, help),
    content,
    problems,
  );
  let input = null;
  let shown = [];

  function describe() {
    if (!input) return;
    const described = [help && `${id}-help`, shown.length && `${id}-problems`].filter(Boolean).join(" ");
    if (described) input.setAttribute("aria-describedby", described);
    else input.removeAttribute("aria-describedby");
    if (shown.length && isLabelable(input)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  return {
    node,
    /** Show an input, with what is around it if it is not alone. */
    setInput(next, around = next) {
      input = next;
      input.id = id;
      if (!isLabelable(input)) {
        input.setAttribute("role", "group");
        input.setAttribute("aria-labelledby", `${id}-label`);
      }
      fill(content, around);
      describe();
    },
    /** Show what is wrong, as texts. */
    showProblems(messages) {
      if (messages.join("\n") === shown.join("\n")) return;
      shown = messages;
      fill(problems, messages.map((message) => element("li", { class: "problem" }, problemText(message))));
      problems.hidden = !messages.length;
      describe();
    },
    focus: () => (isLabelable(input) ? input : input.querySelector("input, button"))?.focus(),
  };
}

/** Return whether a label can name an input. Several inputs are a group, which is named by an attribute. */
function isLabelable(input) {
  return input.matches("input, select, textarea");
}

/** Return the tags of a field: its type, and whether it is needed. */
export function fieldTags(field) {
  const type = `${TYPE_NAMES[field.type] ?? field.type}${field.multiple ? ", several" : ""}`;
  return [{ text: type }, field.required && { text: "required", kind: "must" }].filter(Boolean);
}

const TYPE_NAMES = {
  string: "text",
  text: "long text",
  password: "secret",
  datetime: "date and time",
  integer: "whole number",
  boolean: "true or false",
  "text-map": "names",
};
