/** The editor of the event: JSON, in which the values that a mapping reads are marked. */
import { isolateHistory } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";
import { button, element, fill } from "../elements.js";
import { jsonOutline } from "./json_outline.js";
import { lastOutline } from "./outline.js";
import { markProblems, mountEditor, rangeAt } from "./view.js";

/** Beyond these lengths, in characters, a text has no colours and marks, and cannot be edited. Nobody reads it then. */
const MOST_COLOURED = 1_000_000;
const MOST_EDITED = 5_000_000;

/** How long after the last letter the value at the cursor counts as pointed at. */
const REST_MS = 200;

const setSources = StateEffect.define();
const sourceMark = Decoration.mark({ class: "cm-source" });
const sourceLine = Decoration.line({ class: "cm-sourceLine" });
/** So many lines of one value are marked. More do not fit on a screen. */
const MOST_LINES = 200;

/** The ranges that are marked. They move with what is typed before them. */
const sources = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(setSources)) return effect.value;
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * Show an editor of an event.
 *
 * @param {HTMLElement} container
 * @param {{onChange: (text: string) => void, label: string}} options  `onChange` is for what the user does, not for `setText`
 */
export function createEventEditor(container, { onChange, label }) {
  const outlineOf = lastOutline(jsonOutline);
  const bySize = new Compartment();
  const note = element("p", { class: "help", role: "status", hidden: true });
  let size = "";
  let listener = () => {};
  let reported = null;
  let marked = "[]";
  let resting = 0;

  const pointing = EditorView.domEventHandlers({
    mousemove: (event, view) => report(view.posAtCoords({ x: event.clientX, y: event.clientY })),
    mouseleave: () => report(null),
    blur: () => report(null),
  });
  const editor = mountEditor(container, {
    label,
    extensions: (text) => [sources, bySize.of(SIZES[sizeOf(text.length)]), EditorView.updateListener.of(updated), pointing],
  });
  container.append(note);

  function updated(update) {
    if (update.docChanged) {
      fit();
      onChange(getText());
    }
    if (update.selectionSet && update.view.hasFocus) {
      // Not while somebody types: finding the value takes longer than a letter should.
      clearTimeout(resting);
      if (update.docChanged) resting = setTimeout(reportCursor, REST_MS);
      else reportCursor();
    }
  }

  /** Take away what a long text would be slow with. */
  function fit() {
    const now = sizeOf(editor.view.state.doc.length);
    if (now === size) return;
    size = now;
    note.hidden = size === "short";
    fill(note, NOTES[size], size === "locked" && button("Clear", clear, { class: "quiet" }));
    // An update cannot begin another one.
    queueMicrotask(() => editor.view.dispatch({ effects: bySize.reconfigure(SIZES[size]) }));
  }

  function clear() {
    setText("");
    onChange("");
    editor.view.focus();
  }

  function reportCursor() {
    report(editor.view.state.selection.main.head);
  }

  /** Say which value is at a position, for the part of the page that shows where it goes. The last place counts. */
  function report(position) {
    clearTimeout(resting);
    const { doc } = editor.view.state;
    const found = position === null || doc.length > MOST_COLOURED ? null : outlineOf(doc).at(position);
    const pointer = found?.pointer ?? null;
    if (pointer !== reported) listener(pointer);
    reported = pointer;
  }

  function getText() {
    return editor.view.state.doc.toString();
  }

  /** Show another text. `canUndo`: the user may go back to the present one. */
  function setText(text, { canUndo = false } = {}) {
    if (text === getText()) return;
    const { doc } = editor.view.state;
    if (canUndo && size === "short" && doc.length) {
      editor.view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: { anchor: 0 }, annotations: isolateHistory.of("full") });
      return;
    }
    marked = "[]";
    editor.begin(text);
    fit();
  }

  /** Mark the values of JSON pointers, and bring the first into view. */
  function highlight(pointers) {
    const { view } = editor;
    const asked = JSON.stringify(pointers);
    if (asked === marked) return;
    marked = asked;
    const outline = view.state.doc.length > MOST_COLOURED ? null : outlineOf(view.state.doc);
    const found = pointers.map((pointer) => outline?.get(pointer)).filter((entry) => entry && entry.to > entry.from);
    const marks = found.flatMap(({ from, to }) => marksOf(view.state.doc, from, to));
    view.dispatch({ effects: setSources.of(Decoration.set(marks, true)) });
    if (found.length) reveal(view, Math.min(...found.map(({ from }) => from)));
  }

  return {
    host: editor.host,
    focus: () => editor.view.focus(),
    getText,
    setText,
    highlight,
    /** Call back with the JSON pointer of the value under the mouse or the cursor, or with null. */
    onPointer(callback) {
      listener = callback;
    },
    /** Mark problems at their lines and columns, both from 1. */
    showProblems(problems) {
      markProblems(editor.view, problems, ({ line, column }) => rangeAt(editor.view.state.doc, line, column));
    },
    destroy() {
      clearTimeout(resting);
      editor.destroy();
      note.remove();
    },
  };
}

const SIZES = {
  short: [json(), EditorView.lineWrapping],
  long: [],
  // It can have the focus nevertheless: the keyboard scrolls it.
  locked: [EditorState.readOnly.of(true), EditorView.editable.of(false), EditorView.contentAttributes.of({ tabindex: "0" })],
};
const NOTES = {
  short: "",
  long: "This text is longer than 1 MB. It is shown without colours.",
  locked: "This text is longer than 5 MB. It is shown, but cannot be edited here. ",
};

function sizeOf(length) {
  if (length > MOST_EDITED) return "locked";
  return length > MOST_COLOURED ? "long" : "short";
}

/** Return the marks of a range: of the text in one line, or of whole lines. */
function marksOf(doc, from, to) {
  const first = doc.lineAt(from);
  const last = doc.lineAt(to);
  if (first.number === last.number) return [sourceMark.range(from, to)];
  const count = Math.min(last.number - first.number + 1, MOST_LINES);
  return Array.from({ length: count }, (_, index) => sourceLine.range(doc.line(first.number + index).from));
}

/** Scroll the editor, and not the page, to a position: the mouse is on what asked for it. */
function reveal(view, position) {
  const { top, bottom } = view.lineBlockAt(position);
  const { scrollTop, clientHeight } = view.scrollDOM;
  if (top < scrollTop || bottom > scrollTop + clientHeight) view.scrollDOM.scrollTop = Math.max(0, top - clientHeight / 3);
}
