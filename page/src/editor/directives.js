/**
 * The directives of mappings, for completion: what each does, and the value that it begins with.
 *
 * The definitions are in definitions/mapping/validation.py; a test compares the names. In `value`, `▮` is where the cursor goes.
 */
export const DIRECTIVES = [
  { name: "@path", about: "a value of the event", value: "$.▮" },
  { name: "@template", about: "text with values of the event in it", value: "{{▮}}" },
  { name: "@literal", about: "the value as it is written", value: "▮" },
  { name: "@if", about: "one of two values, by whether something exists", value: { exists: { "@path": "$.▮" }, then: { "@path": "$." }, else: "" } },
  { name: "@case", about: "text in lower or upper case", value: { operator: "lower", value: { "@path": "$.▮" } } },
  { name: "@replace", about: "text with a part replaced", value: { pattern: "▮", replacement: "", value: { "@path": "$." } } },
  { name: "@arrayPath", about: "a list of the event, and the shape of its items", value: ["$.▮", {}] },
  { name: "@flatten", about: "an object without nesting", value: { value: { "@path": "$.▮" }, separator: "." } },
  { name: "@json", about: "JSON text written or read", value: { mode: "encode", value: { "@path": "$.▮" } } },
  { name: "@merge", about: "several objects as one", value: { direction: "right", objects: [{ "@path": "$.▮" }, {}] } },
  { name: "@transform", about: "a mapping applied to what another one made", value: { apply: {}, mapping: {} } },
  { name: "@excludeWhenNull", about: "nothing instead of null", value: { "@path": "$.▮" } },
  { name: "@liquid", about: "text from a Liquid template", value: "{{ ▮ }}" },
];

/** The keys of each directive that takes an object, and the words that they may be. */
export const OPTIONS = {
  "@if": { exists: [], blank: [], then: [], else: [] },
  "@case": { operator: ["lower", "upper"], value: [] },
  "@replace": { pattern: [], replacement: [], pattern2: [], replacement2: [], value: [], ignorecase: [true, false], global: [true, false] },
  "@flatten": { value: [], separator: [], omitArrays: [true, false] },
  "@json": { mode: ["encode", "decode"], value: [] },
  "@merge": { direction: ["left", "right"], objects: [] },
  "@transform": { apply: [], mapping: [] },
};
