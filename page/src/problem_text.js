/** The text of a problem. Some point with `^` at a place in a line of code, which needs letters of one width. */
import { element } from "./elements.js";

const POINTER = /^\s*\^+\s*$/;

/** Return a message as nodes: its sentences as text, and a line with what points at it as code. */
export function problemText(message) {
  const lines = message.split("\n");
  const parts = [];
  let text = [];
  const endText = () => {
    if (text.length) parts.push(text.join(" "));
    text = [];
  };
  lines.forEach((line, at) => {
    if (POINTER.test(line)) return;
    if (POINTER.test(lines[at + 1] ?? "")) {
      endText();
      parts.push(element("code", { class: "excerpt" }, `${line}\n${lines[at + 1]}`));
    } else if (line.trim()) text.push(line.trim());
  });
  endText();
  return parts;
}
