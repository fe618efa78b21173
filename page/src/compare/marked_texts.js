/** Two texts, with the part that differs marked in each. */
import { element } from "../elements.js";

/**
 * Return what to show of two texts. The marked part is bold and underlined, not only coloured.
 *
 * @param {string | null} before  null: there was nothing
 * @param {string | null} after
 * @returns {[(Node | string)[], (Node | string)[]]}
 */
export function markedTexts(before, after) {
  if (before === null || after === null) return [whole(before), whole(after)];
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  // A character of two units is not cut in half.
  if (isHalf(before.charCodeAt(start - 1))) start -= 1;
  if (end && isSecondHalf(before.charCodeAt(before.length - end))) end -= 1;
  // If nothing is the same, a mark under all of it says nothing.
  return start + end ? [parts(before, start, end), parts(after, start, end)] : [[before], [after]];
}

function parts(text, start, end) {
  const stop = text.length - end;
  return [text.slice(0, start), stop > start && element("mark", {}, text.slice(start, stop)), text.slice(stop)].filter(Boolean);
}

function whole(text) {
  return text === null ? [element("span", { class: "soft" }, "nothing")] : [text];
}

function isHalf(code) {
  return code >= 0xd800 && code <= 0xdbff;
}

function isSecondHalf(code) {
  return code >= 0xdc00 && code <= 0xdfff;
}
