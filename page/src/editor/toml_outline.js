/** The outline of a TOML text. It need not be valid: somebody is typing it. */
import { Outline, below } from "./outline.js";

/** Values below this depth are left out. */
const DEEPEST = 100;

/** Return the outline of a TOML text. */
export function tomlOutline(text) {
  return new Scanner(text).outline();
}

class Scanner {
  #text;
  #at = 0;
  #outline = new Outline();
  #open = null;

  constructor(text) {
    this.#text = text;
  }

  outline() {
    const root = this.#outline.add(null, "", 0, 0);
    let table = root;
    while (this.#skip()) {
      const before = this.#at;
      if (this.#peek() === "[") {
        // A table lasts until the next one begins.
        if (table !== root) table.to = this.#at - 1;
        table = this.#header(root);
      } else this.#pair(table, "");
      if (this.#at === before) this.#at += 1;
    }
    for (const entry of [root, table]) entry.to = this.#text.length;
    this.#outline.open = this.#open ?? { pointer: table.pointer, expects: "key", key: null, string: null };
    return this.#outline;
  }

  /** Read `[a.b]` or `[[a.b]]`, and return the entry of the table. */
  #header(root) {
    const start = this.#at;
    const isList = this.#text.startsWith("[[", start);
    this.#at += isList ? 2 : 1;
    const keys = this.#keys(root.pointer);
    this.#word("]", isList ? 2 : 1);
    let parent = root;
    keys.forEach((key, index) => {
      const isLast = index === keys.length - 1;
      const pointer = below(parent.pointer, key);
      const known = this.#outline.get(pointer);
      parent = known && !isLast ? known : this.#outline.add(parent, key, start, start);
      const count = this.#lists.get(pointer) ?? 0;
      if (isLast && isList) {
        this.#lists.set(pointer, count + 1);
        parent = this.#outline.add(parent, count, start, start);
      } else if (count) parent = this.#outline.get(below(pointer, count - 1));
    });
    return parent;
  }

  /** How many tables each list of tables has so far. */
  #lists = new Map();

  /** Read `key = value`. `closing` is what ends the table that it is in. */
  #pair(table, closing) {
    const start = this.#at;
    const keys = this.#keys(table.pointer, closing);
    if (!keys.length) return;
    this.#skipBlanks();
    let parent = table;
    for (const key of keys.slice(0, -1)) {
      parent = this.#outline.get(below(parent.pointer, key)) ?? this.#outline.add(parent, key, start, start);
    }
    if (this.#peek() !== "=") {
      if (this.#isAtEnd) this.#expect({ pointer: table.pointer, expects: "other", key: null, string: null });
      return;
    }
    this.#at += 1;
    this.#skipBlanks();
    if (this.#isAtEnd) this.#expect({ pointer: parent.pointer, expects: "value", key: keys.at(-1), string: null });
    this.#value(parent, keys.at(-1), start, 0);
    for (let above = parent; above !== table && above; above = above.parent) above.to = this.#at;
  }

  #value(parent, key, start, depth) {
    const entry = this.#outline.add(parent, key, start, this.#at);
    const opening = this.#peek();
    if (opening === '"' || opening === "'") {
      const from = this.#at;
      if (!this.#string()) this.#expect({ pointer: parent.pointer, expects: "value", key: String(key), string: from });
    } else if (opening === "[" && depth < DEEPEST) this.#list(entry, depth);
    else if (opening === "{" && depth < DEEPEST) this.#inlineTable(entry, depth);
    else this.#bareValue();
    entry.to = this.#at;
  }

  #list(entry, depth) {
    this.#at += 1;
    for (let index = 0; this.#skip(); ) {
      const next = this.#peek();
      if (next === "]") {
        this.#at += 1;
        return;
      }
      if (next === ",") {
        index += 1;
        this.#at += 1;
      } else {
        const before = this.#at;
        this.#value(entry, index, this.#at, depth + 1);
        if (this.#at === before) this.#at += 1;
      }
    }
    this.#expect({ pointer: entry.pointer, expects: "value", key: null, string: null });
  }

  #inlineTable(entry, depth) {
    this.#at += 1;
    let expects = "key";
    while (this.#skip()) {
      const next = this.#peek();
      if (next === "}") {
        this.#at += 1;
        return;
      }
      const before = this.#at;
      if (next === ",") {
        expects = "key";
        this.#at += 1;
      } else if (depth < DEEPEST) {
        this.#pair(entry, "}");
        expects = "other";
      }
      if (this.#at === before) this.#at += 1;
    }
    this.#expect({ pointer: entry.pointer, expects, key: null, string: null });
  }

  /** Read `a."b".c`. The end of the text within it leaves what is expected to the innermost part. */
  #keys(pointer, closing = "") {
    const keys = [];
    for (;;) {
      this.#skipBlanks();
      const from = this.#at;
      const opening = this.#peek();
      if (opening === '"' || opening === "'") {
        if (!this.#string()) this.#expect({ pointer, expects: "key", key: null, string: from });
        keys.push(this.#text.slice(from + 1, this.#at - 1));
      } else {
        while (!this.#isAtEnd && /[\w-]/.test(this.#peek())) this.#at += 1;
        if (this.#isAtEnd) this.#expect({ pointer, expects: "key", key: null, string: null });
        if (this.#at === from) return keys;
        keys.push(this.#text.slice(from, this.#at));
      }
      this.#skipBlanks();
      if (this.#peek() !== "." || this.#peek() === closing) return keys;
      this.#at += 1;
      pointer = below(pointer, keys.at(-1));
    }
  }

  /** Pass over text in quotes. Return whether it is closed. Text in single quotes has no escapes. */
  #string() {
    const quote = this.#peek();
    const marks = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    for (this.#at += marks.length; !this.#isAtEnd; this.#at += 1) {
      if (this.#text.startsWith(marks, this.#at)) {
        this.#at += marks.length;
        return true;
      }
      if (marks.length === 1 && this.#peek() === "\n") return true; // one line only: what follows is read for itself
      if (quote === '"' && this.#peek() === "\\") this.#at += 1;
    }
    this.#at = this.#text.length;
    return false;
  }

  #bareValue() {
    while (!this.#isAtEnd && !/[\s,\]}#]/.test(this.#peek())) this.#at += 1;
  }

  #word(character, count) {
    for (let left = count; left && this.#peek() === character; left -= 1) this.#at += 1;
  }

  /** Pass over blanks, line ends and comments. Return whether there is more. */
  #skip() {
    for (; !this.#isAtEnd; this.#at += 1) {
      if (this.#peek() === "#") {
        const end = this.#text.indexOf("\n", this.#at);
        if (end < 0) {
          this.#at = this.#text.length;
          this.#expect({ pointer: "", expects: "other", key: null, string: null });
          return false;
        }
        this.#at = end;
      } else if (!/\s/.test(this.#peek())) return true;
    }
    return false;
  }

  #skipBlanks() {
    while (this.#peek() === " " || this.#peek() === "\t") this.#at += 1;
  }

  #expect(open) {
    this.#open ??= open;
  }

  #peek() {
    return this.#text[this.#at];
  }

  get #isAtEnd() {
    return this.#at >= this.#text.length;
  }
}
