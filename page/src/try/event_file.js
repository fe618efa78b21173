/** A file of events: NDJSON, a JSON array, or values one after the other over any lines. It stays in this tab. */
import { endOfString } from "../editor/json_outline.js";

export const MOST_BYTES = 16 * 1024 * 1024;
export const MOST_EVENTS = 20_000;

/**
 * Read a file. Throws an Error whose message says what to do.
 *
 * @param {File} file
 * @returns {Promise<{name: string, events: string[], total: number}>}  `events` are the first ones, `total` counts all
 */
export async function readEventFile(file) {
  if (file.size > MOST_BYTES) {
    const size = (file.size / 1024 / 1024).toLocaleString("en", { maximumFractionDigits: 1 });
    throw new Error(`${file.name} has ${size} MB, and the page takes at most 16 MB. Take a part, such as its first lines.`);
  }
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not text in UTF-8. If it is compressed, unpack it first.`);
  }
  const events = splitEvents(text);
  if (!events.length) throw new Error(`${file.name} holds no events.`);
  return { name: file.name, events: events.slice(0, MOST_EVENTS), total: events.length };
}

/** Return the text of each event. What is not JSON is kept too, as a line: the preview says what is wrong with it. */
export function splitEvents(text) {
  const from = text.search(/\S/);
  if (from < 0) return [];
  const end = text.indexOf("\n", from);
  const firstLine = text.slice(from, end < 0 ? text.length : end);
  if (text[from] === "[") {
    // As deliver does: an array on the first line is one of several lines if something follows, and the input if not.
    const isLine = firstLine[endOfValue(firstLine, 0) - 1] === "]" && end >= 0 && /\S/.test(text.slice(end));
    return isLine ? lines(text) : values(text, from + 1, "]");
  }
  // A first line that is cut off is followed by another event; an event over many lines by a part of it.
  const isOverLines = firstLine.startsWith("{") && !isClosed(firstLine) && !/^\s*\{/.test(text.slice(end + 1, end + 200));
  if (isOverLines) return values(text, from, null);
  return lines(text);
}

function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Return events as NDJSON: one line each. JSON has line ends only between its parts, so they can go. */
export function asLines(events) {
  return `${events.map((event) => event.replaceAll(/[\r\n]+/g, " ")).join("\n")}\n`;
}

/** Return the values from a position to `closing`, or to the end, and what follows as one more. Commas are passed over. */
function values(text, from, closing) {
  const found = [];
  let at = from;
  while (at < text.length) {
    const sign = text[at];
    if (sign === closing) {
      const rest = text.slice(at + 1).trim();
      if (rest) found.push(rest);
      break;
    }
    if (sign === "," || /\s/.test(sign)) at += 1;
    else {
      const end = endOfValue(text, at);
      found.push(text.slice(at, end).trimEnd());
      at = end;
    }
  }
  return found;
}

function endOfValue(text, from) {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = (endOfString(text, at) ?? text.length) - 1;
    else if (sign === "{" || sign === "[") depth += 1;
    else if (sign === "}" || sign === "]") {
      if (depth === 0) return Math.max(at, from + 1);
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (sign === "," && depth === 0) return at;
  }
  return text.length;
}

function isClosed(line) {
  const end = endOfValue(line, 0);
  return end < line.length || /[}\]]\s*$/.test(line);
}
