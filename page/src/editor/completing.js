/** Completion in the editor of a draft: turns what may be written into changes of the text. */
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { keymap } from "@codemirror/view";
import { offersAt } from "./draft_completion.js";
import { KEYS, VALUES } from "./written_values.js";

const CURSOR = "▮";

/** The directives whose text is only partly what is completed. */
const PARTS = new Set(["@template", "@liquid"]);

/**
 * Return the extension.
 *
 * @param {object} options
 * @param {"toml" | "json"} options.format
 * @param {(text: string) => import("./outline.js").Outline} options.outline
 * @param {(outline: import("./outline.js").Outline, text: string) => object} options.known  what `offersAt` is to know
 */
export function completing({ format, outline, known }) {
  const source = (context) => {
    const text = context.state.doc.toString();
    const { open } = outline(text.slice(0, context.pos));
    const hasTables = format === "toml" && isAtTable(open, context.state.doc.lineAt(context.pos).text);
    const from = startOf(text, context.pos, open, hasTables);
    if (open.string === null && from === context.pos && !context.explicit) return null;
    const whole = outline(text);
    const typed = text.slice(from, context.pos);
    const taken = open.expects === "key" ? whole.keysOf(open.pointer).filter((key) => key !== typed) : [];
    const options = matching(offersAt(open, { ...known(whole, text), hasTables }), typed)
      .filter((offer) => !taken.includes(offer.text) || (hasTables && offer.table?.startsWith("[[")))
      .map((offer) => ({
        label: offer.text,
        detail: offer.detail,
        info: offer.info || undefined,
        apply: (view, _completion, start, end) => insert(view, { offer, open, start, end, format, hasTables }),
      }));
    const getMatch = ({ label }) => marked(label, typed);
    return options.length ? { from, options, filter: false, getMatch } : null;
  };
  return [autocompletion({ override: [source], icons: false, maxRenderedOptions: 60 }), keymap.of(completionKeymap)];
}

/** Return the offers that what was typed is a part of: those that begin with it first, then those with a word that does. */
function matching(offers, typed) {
  const sought = soughtOf(typed);
  const rank = ({ text }) => {
    const at = text.toLowerCase().indexOf(sought, text.startsWith("$.") && sought ? 2 : 0);
    return at < 0 ? 3 : at === 0 ? 0 : /\W/.test(text[at - 1]) ? 1 : 2;
  };
  const ranked = offers.map((offer) => [rank(offer), offer]).filter(([at]) => at < 3);
  return ranked.sort(([one], [other]) => one - other).map(([, offer]) => offer);
}

function marked(label, typed) {
  const sought = soughtOf(typed);
  const at = label.toLowerCase().lastIndexOf(sought);
  return sought && at >= 0 ? [at, at + sought.length] : [];
}

/** Return what is sought: every path begins with `$.`, every placeholder with braces, so these say nothing. */
function soughtOf(typed) {
  return typed.toLowerCase().replace(/^(\$\.?|\{\{\s*|\[+)/, "");
}

/** Return whether a table may begin on a line: not within an inline table, and not after a key. */
function isAtTable({ pointer, expects, string }, line) {
  return expects === "key" && string === null && !/\/mapping\/./.test(pointer) && /^\s*\[{0,2}[\w.-]*\]*$/.test(line);
}

/** Return where the word begins that is typed, or the text in quotes, or the placeholder in it. */
function startOf(text, position, { string, key }, hasTables) {
  if (string !== null) {
    const placeholder = PARTS.has(key) ? text.lastIndexOf("{{", position - 1) : -1;
    return placeholder > string && !text.slice(placeholder, position).includes("}}") ? placeholder : string + 1;
  }
  let from = position;
  while (from > 0 && /[\w@-]/.test(text[from - 1])) from -= 1;
  while (hasTables && text[from - 1] === "[") from -= 1;
  return from;
}

/** Replace what was typed by what was chosen, with its quotes, and put the cursor where you would type next. */
function insert(view, { offer, open, start, end, format, hasTables }) {
  const { doc } = view.state;
  const after = doc.sliceString(end, end + 20);
  let from = start;
  let to = end;
  let text;
  if (offer.table && hasTables) {
    text = `${offer.table}\n`;
    to += /^\]*/.exec(after)[0].length;
  } else if (open.string !== null && PARTS.has(open.key)) {
    text = offer.text;
    if (after.startsWith("}}")) to += 2;
  } else {
    if (open.string !== null) {
      from = open.string;
      if (after[0] === doc.sliceString(from, from + 1)) to += 1;
    }
    text = open.expects === "key" ? keyText(offer, open, format, doc.sliceString(to, to + 20)) : VALUES[format](offer.value ?? offer.text);
  }
  const marked = text.indexOf(CURSOR);
  const empty = /\{\}\]?$/.exec(text);
  const cursor = marked >= 0 ? marked : empty ? empty.index + 1 : text.length;
  view.dispatch({
    changes: { from, to, insert: text.replace(CURSOR, "") },
    selection: { anchor: from + cursor },
    userEvent: "input.complete",
    scrollIntoView: true,
  });
}

/** Return a key with what it begins with; only the key if its value is there already. */
function keyText(offer, open, format, after) {
  if (/^\s*[:=]/.test(after)) return KEYS[format](offer.text).replace(/(: | = )$/, "");
  return KEYS[format](offer.text) + (offer.value === undefined ? "" : VALUES[format](offer.value));
}
