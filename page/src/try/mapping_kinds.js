/**
 * The kinds of values that a mapping has for a field, as the page edits them.
 *
 * - `default`: the mapping leaves the field out.
 * - `path`: `{"@path": "$.userId"}`.
 * - `template`: `{"@template": "{{userId}}"}`.
 * - `constant`: a text, number or boolean of the field's type.
 * - `json`: everything else.
 */

const TYPES = { number: "number", integer: "number", boolean: "boolean", string: "string", text: "string", datetime: "string" };

/** Return the kinds that a field offers, with their labels. */
export function kindsOf(field) {
  return [
    ["default", "Default"],
    ["path", "Path"],
    isPlain(field) && ["constant", "Constant"],
    isPlain(field) && ["template", "Template"],
    ["json", "JSON"],
  ].filter(Boolean);
}

/** Return the kind of a value. */
export function kindOf(value, field) {
  if (value === undefined) return "default";
  if (isDirective(value, "@path")) return "path";
  if (isDirective(value, "@template") && isPlain(field)) return "template";
  return isPlain(field) && typeof value === TYPES[field.type] ? "constant" : "json";
}

/** Return a value of another kind that keeps as much of the present one as can be kept. */
export function converted(value, kind, field) {
  const present = value === undefined ? field.default : value;
  const path = isDirective(present, "@path") ? present["@path"] : null;
  switch (kind) {
    case "default":
      return undefined;
    case "path":
      return { "@path": path ?? pathOfTemplate(present) ?? "$." };
    case "template":
      return { "@template": path === null ? constantText(present) : `{{${path.replace(/^\$\.?/, "")}}}` };
    case "constant":
      return typeof present === TYPES[field.type] ? present : field.choices?.[0]?.value ?? { number: 0, boolean: true, string: "" }[TYPES[field.type]];
    default:
      return present ?? (field.multiple ? [] : field.type === "object" ? {} : null);
  }
}

/** Return what the default of a field is, such as `$.userId`. */
export function defaultText(field) {
  return field.defaultText?.replaceAll("`", "") ?? "nothing";
}

/** Return whether a field takes one value, but not an object. */
function isPlain(field) {
  return !field.multiple && field.type in TYPES;
}

/** Return whether a value is one directive with a text. `_metadata` of Segment's own editor is beside many. */
function isDirective(value, name) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length === 1 && typeof value[name] === "string";
}

function pathOfTemplate(value) {
  const [, path] = (isDirective(value, "@template") && /^\{\{\s*([\w.[\]]+)\s*\}\}$/.exec(value["@template"])) || [];
  return path ? `$.${path}` : null;
}

function constantText(value) {
  if (isDirective(value, "@template")) return value["@template"];
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}
