/** A trigger as text in which the conditions that decided are marked. */
import { element } from "../elements.js";

/**
 * Return the trigger as code. `decidedBy` are parts of it, each found in the order of the text.
 *
 * @param {string} trigger
 * @param {string[]} decidedBy
 * @param {boolean} matches
 */
export function triggerText(trigger, decidedBy, matches) {
  const children = [];
  let rest = 0;
  for (const [start, end] of ranges(trigger, decidedBy)) {
    children.push(trigger.slice(rest, start), element("mark", { class: matches ? "good" : "bad" }, trigger.slice(start, end)));
    rest = end;
  }
  return element("code", { class: "trigger" }, ...children, trigger.slice(rest));
}

/** Return where the parts are, as starts and ends that do not overlap. */
function ranges(trigger, parts) {
  const found = [];
  for (const part of parts) {
    // The same condition may be there twice: each is looked for after those that were found.
    const after = found.filter(([start, end]) => trigger.slice(start, end) === part).at(-1)?.[1] ?? 0;
    const at = part ? trigger.indexOf(part, after) : -1;
    if (at >= 0 && found.every(([start, end]) => at + part.length <= start || at >= end)) found.push([at, at + part.length]);
  }
  return found.sort(([one], [other]) => one - other);
}
