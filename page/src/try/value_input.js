/** An input for a value of a field's type. An empty input is `undefined`: the value is left out. */
import { element } from "../elements.js";
import { createTextMapInput } from "./text_map_input.js";

/**
 * Return `{input, node}`: the input that a label belongs to, and what to show.
 *
 * @param {object} field
 * @param {any} value
 * @param {(value: any, problem?: string) => void} onChange  a problem says why the value is not used
 */
export function createValueInput(field, value, onChange) {
  if (field.multiple || field.type === "object") return createJsonInput(value, onChange);
  if (field.type === "text-map") return createTextMapInput(value, onChange, { placeholder: field.placeholder });
  if (field.choices?.length) return chooser(field, choicesOf(field), value, onChange);
  if (field.type === "boolean") return chooser(field, [[true, "true"], [false, "false"]], value, onChange);
  const input = element(field.type === "text" ? "textarea" : "input", {
    value: value === undefined || value === null ? "" : String(value),
    placeholder: field.placeholder || defaultOf(field),
    spellcheck: "false",
    autocomplete: "off",
    type: field.type === "text" ? null : "text",
    inputmode: isNumber(field) ? "decimal" : null,
    rows: field.type === "text" ? 2 : null,
    oninput: () => onChange(read(field, input.value)),
  });
  return { input, node: input };
}

/** Return an input for any JSON. Other text is not used, and a problem says so. */
export function createJsonInput(value, onChange) {
  const text = value === undefined ? "" : JSON.stringify(value, null, 2);
  const fit = () => { input.rows = Math.min(14, Math.max(2, input.value.split("\n").length)); };
  const input = element("textarea", {
    value: text,
    spellcheck: "false",
    class: "json",
    oninput: () => {
      fit();
      if (!input.value.trim()) return onChange(undefined);
      let read;
      try {
        read = JSON.parse(input.value);
      } catch (error) {
        return onChange(undefined, `This is not JSON yet. The last valid value is used. ${error.message}`);
      }
      if (hasInexactInteger(input.value)) return onChange(undefined, INEXACT);
      return onChange(read);
    },
  });
  fit();
  return { input, node: input };
}

const INEXACT = "A number has more digits than a browser keeps exactly. Write it as text. The last valid value is used.";

/** Return whether a text of JSON has an integer that would become another one. Texts in it are left out. */
function hasInexactInteger(text) {
  const integers = text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""').match(/(?<![\w.+-])-?\d+(?![\d.eE])/g) ?? [];
  return integers.some((digits) => !Number.isSafeInteger(Number(digits)));
}

/** A text of a number that cannot be read is passed on as it is: the server says what is wrong with it. */
function read(field, text) {
  if (text === "") return undefined;
  if (!isNumber(field) || !text.trim() || !Number.isFinite(Number(text))) return text;
  // A number that JavaScript cannot hold exactly stays a text: no digit is lost.
  return Number.isInteger(Number(text)) && !Number.isSafeInteger(Number(text)) ? text : Number(text);
}

function isNumber(field) {
  return field.type === "number" || field.type === "integer";
}

function choicesOf(field) {
  return field.choices.map(({ value, label }) => [value, label]);
}

/** Return the text of the default of a setting, or null. A mapping of an action has its default elsewhere. */
function defaultOf({ default: value }) {
  return ["string", "number", "boolean"].includes(typeof value) ? `Default: ${value}` : null;
}

function chooser(field, choices, value, onChange) {
  const known = choices.findIndex(([each]) => each === value);
  const input = element(
    "select",
    { onchange: () => onChange(input.value === "" ? undefined : choices[Number(input.value)][0]) },
    (!field.required || known < 0) && element("option", { value: "" }, value === undefined ? defaultOf(field) ?? "Not set" : String(value)),
    choices.map(([, label], at) => element("option", { value: String(at) }, label)),
  );
  input.value = known < 0 ? "" : String(known);
  return { input, node: input };
}
