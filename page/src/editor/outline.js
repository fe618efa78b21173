/**
 * Where each value is in a text of JSON or TOML, and what the text is in the middle of at its end.
 *
 * A value is named by its JSON pointer (RFC 6901), in TOML too: `/subscriptions/0/mapping/clientId`.
 *
 * @typedef {object} Entry
 * @property {string} pointer
 * @property {string} key  the last part of the pointer; "" for the whole text
 * @property {number} start  where its key begins, or its value if it has no key
 * @property {number} from  where its value begins
 * @property {number} to  where its value ends
 * @property {Entry | null} parent
 *
 * @typedef {object} Open  The text may continue with this at its end.
 * @property {string} pointer  the object, list or table that the end is in
 * @property {"key" | "value" | "other"} expects
 * @property {string | null} key  the key whose value is expected
 * @property {number | null} string  where the text in quotes begins that is not closed
 */
export class Outline {
  /** @type {Entry[]} */
  entries = [];
  /** @type {Open | null} */
  open = null;
  #byPointer = new Map();

  /** Add an entry. Entries are added in the order of the text; of two with one pointer, the last counts. */
  add(parent, key, start, from) {
    const pointer = parent === null ? "" : below(parent.pointer, key);
    const entry = { pointer, key: String(key), start, from, to: from, parent };
    this.entries.push(entry);
    this.#byPointer.set(pointer, entry);
    return entry;
  }

  /** Return the entry of a pointer, or undefined. */
  get(pointer) {
    return this.#byPointer.get(pointer);
  }

  /** Return the innermost entry at a position, or null. */
  at(position) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle].start <= position) low = middle + 1;
      else high = middle;
    }
    let found = this.entries[low - 1] ?? null;
    while (found && found.to < position) found = found.parent;
    return found;
  }

  /** Return the keys that an object has. */
  keysOf(pointer) {
    return this.entries.filter((entry) => entry.parent?.pointer === pointer).map((entry) => entry.key);
  }

  /**
   * Return the entry of a place such as `subscriptions[0].mapping.clientId`, or of the innermost part of it that is there.
   * A key may hold dots: the longest key that fits wins.
   */
  atPlace(place) {
    const parts = place.replaceAll("[", ".").replaceAll("]", "").split(".").filter(Boolean);
    let found = this.get("") ?? null;
    for (let index = 0; index < parts.length; ) {
      let length = parts.length - index;
      while (length && !this.get(below(found?.pointer ?? "", parts.slice(index, index + length).join(".")))) length -= 1;
      if (!length) break;
      found = this.get(below(found?.pointer ?? "", parts.slice(index, index + length).join(".")));
      index += length;
    }
    return found;
  }
}

/** Return the pointer of a key of an object, or of a place in a list. */
export function below(pointer, key) {
  return `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Return the keys that a pointer names. */
export function keysOf(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Return a function that makes the outline of a document of CodeMirror, and remembers the last one. */
export function lastOutline(outline) {
  let last = null;
  let made = null;
  return (doc) => {
    if (doc !== last) [last, made] = [doc, outline(doc.toString())];
    return made;
  };
}
