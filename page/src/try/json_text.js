/** JSON as text, indented. It is never parsed: numbers of any length and text that was cut off stay as they are. */

/** Return JSON of one line over several lines. */
export function indented(text) {
  let out = "";
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') {
      const end = endOfString(text, at);
      out += text.slice(at, end);
      at = end - 1;
    } else if (sign === "{" || sign === "[") {
      const isEmpty = text[at + 1] === "}" || text[at + 1] === "]";
      if (isEmpty) {
        out += sign + text[at + 1];
        at += 1;
      } else {
        depth += 1;
        out += sign + newLine(depth);
      }
    } else if (sign === "}" || sign === "]") {
      depth = Math.max(0, depth - 1);
      out += newLine(depth) + sign;
    } else if (sign === ",") out += sign + newLine(depth);
    else if (sign === ":") out += ": ";
    else if (!/\s/.test(sign)) out += sign;
  }
  return out;
}

function endOfString(text, start) {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function newLine(depth) {
  return `\n${"  ".repeat(Math.min(depth, 40))}`;
}
