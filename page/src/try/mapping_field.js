/** One field of a mapping: how its value is made, and the value, as a path, constant, template or JSON. */
import { button, element, fill } from "../elements.js";
import { createFieldFrame, fieldTags } from "./field_frame.js";
import { converted, defaultText, kindOf, kindsOf } from "./mapping_kinds.js";
import { createJsonInput, createValueInput } from "./value_input.js";

/**
 * Return `{node, showProblems(messages), focus()}`.
 *
 * @param {object} options
 * @param {object} options.field  its definition
 * @param {any} options.value  undefined: the default
 * @param {(value: any) => void} options.onChange
 * @param {string} options.pathsId  the ID of the list of paths of the event
 */
export function createMappingField({ field, value, onChange, pathsId }) {
  let kind = kindOf(value, field);
  let present = value;
  let told = [];
  let local = [];

  const chooser = element(
    "select",
    { "aria-label": `How ${field.label} is set`, class: "kind", onchange: () => choose(chooser.value) },
    kindsOf(field).map(([each, label]) => element("option", { value: each }, label)),
  );
  const reset = button("Reset", () => choose("default"), { class: "quiet", "aria-label": `Reset ${field.label} to its default` });
  const frame = createFieldFrame({ label: field.label, name: field.key, tags: fieldTags(field), help: field.description, beside: reset });

  function choose(next) {
    present = converted(present, next, field);
    kind = next;
    local = [];
    show();
    onChange(present);
    if (document.activeElement === document.body) frame.focus();
  }

  function changed(next, problem) {
    local = problem ? [problem] : [];
    showProblems(told);
    if (problem) return;
    present = next;
    onChange(present);
  }

  function show() {
    chooser.value = kind;
    reset.hidden = kind === "default";
    const { input, node } = inputOf(kind);
    frame.setInput(input, element("div", { class: `mapping ${kind}` }, chooser, node));
    showProblems(told);
  }

  function inputOf() {
    switch (kind) {
      case "default": {
        const input = element("input", { type: "text", value: defaultText(field), readonly: true });
        return { input, node: input };
      }
      case "path":
        return textInput("@path", { list: pathsId, placeholder: "$.properties.plan" });
      case "template":
        return textInput("@template", { placeholder: "{{properties.plan}}" });
      case "constant":
        // An empty text is a value here; leaving the field out is what Default is for.
        return createValueInput({ ...field, required: true, default: null }, present, (next, problem) => changed(next ?? "", problem));
      default:
        return createJsonInput(present, changed);
    }
  }

  function textInput(directive, attributes) {
    const input = element("input", {
      type: "text", class: "mono", value: present[directive], spellcheck: "false", autocomplete: "off",
      oninput: () => changed({ [directive]: input.value }), ...attributes,
    });
    return { input, node: input };
  }

  function showProblems(messages) {
    told = messages;
    frame.showProblems([...local, ...told]);
  }

  show();
  return { node: frame.node, showProblems, focus: frame.focus };
}

/** Return a list of paths that inputs of paths offer. */
export function createPathsList(id) {
  const node = element("datalist", { id });
  let shown = "";
  return {
    node,
    /** Offer the paths of an event. */
    offer(paths) {
      if (paths.join() === shown) return;
      shown = paths.join();
      fill(node, paths.map((path) => element("option", { value: path })));
    },
  };
}
