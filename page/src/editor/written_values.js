/** Keys and values as JSON and as TOML have them. */

/** How a key is written before its value. */
export const KEYS = {
  json: (key) => `${JSON.stringify(key)}: `,
  toml: (key) => `${tomlKey(key)} = `,
};

/** How a value is written on one line. */
export const VALUES = {
  json: (value) => JSON.stringify(value),
  toml: tomlValue,
};

function tomlKey(key) {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}

function tomlValue(value) {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([key, item]) => `${tomlKey(key)} = ${tomlValue(item)}`);
    return members.length ? `{ ${members.join(", ")} }` : "{}";
  }
  // Triggers have quotation marks, which need no escapes this way.
  if (typeof value === "string" && /^[^'\\\p{Cc}]*"[^'\\\p{Cc}]*$/u.test(value)) return `'${value}'`;
  // Text of JSON is text of TOML, but for one character that JSON does not escape.
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}
