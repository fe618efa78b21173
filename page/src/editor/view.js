/** An editor on the page: what the editors of events and of drafts have in common. */
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { element } from "../elements.js";
import { theme } from "./theme.js";

/**
 * Show an editor. It lives in a shadow root: there, CodeMirror adds its styles as constructed style sheets, which the
 * Content-Security-Policy of the page lets through. In the document it would write a `style` element, which it does not.
 *
 * @param {HTMLElement} container
 * @param {object} options
 * @param {string} options.label  its name for readers of the screen
 * @param {(text: string) => any[]} options.extensions  what it has beside what all editors have, for a text
 * @param {string} [options.text]
 */
export function mountEditor(container, { label, extensions, text = "" }) {
  const host = element("div", { class: "editor" });
  container.append(host);
  const root = host.attachShadow({ mode: "open" });
  const all = [
    lineNumbers(),
    highlightSpecialChars({ render: showCharacter, addSpecialChars: UNSEEN }),
    history(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    search({ top: true }),
    // Tab is not bound: it leaves the editor, so nobody is trapped in it.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap]),
    // It can have the focus without the index too, but what checks a page for that does not see it.
    EditorView.contentAttributes.of({ "aria-label": `${label} Tab leaves the editor.`, spellcheck: "false", tabindex: "0" }),
    EditorView.domEventHandlers({ beforeinput: typeOver }),
    theme,
  ];
  const fresh = (content) => EditorState.create({ doc: content, extensions: [...all, extensions(content)] });
  const view = new EditorView({ root, parent: root, state: fresh(text) });
  return {
    host,
    view,
    /** Begin with another text. What was done before cannot be undone: it was done to another text. */
    begin: (content) => view.setState(fresh(content)),
    destroy() {
      view.destroy();
      host.remove();
    },
  };
}

/**
 * Replace the selection by what is typed. Chromium would do it with the look of the old text, in a style attribute, which the
 * policy of the page stops and reports.
 */
function typeOver(event, view) {
  const { from, to, empty } = view.state.selection.main;
  if (event.inputType !== "insertText" || event.data === null || empty || view.composing || view.state.readOnly) return false;
  const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  // A bracket that is typed goes around the selection.
  const isHandled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, event.data, insert));
  if (!isHandled) view.dispatch(insert());
  event.preventDefault();
  return true;
}

/** Mark problems in the text. `rangeOf` says where a problem is. */
export function markProblems(view, problems, rangeOf) {
  const marks = problems.map((problem) => {
    const { from, to } = rangeOf(problem);
    return { from, to, severity: "error", message: problem.message };
  });
  view.dispatch(setDiagnostics(view.state, marks));
}

/** Return the range of a line and a column, both from 1: up to the end of the word there, and within the text. */
export function rangeAt(doc, line, column = 1) {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(found.from + Math.max(column, 1) - 1, found.to);
  const word = /^[\w$@.-]+/.exec(doc.sliceString(from, Math.min(found.to, from + 200)));
  if (word) return { from, to: from + word[0].length };
  // At the end of a line there is nothing to underline: take the character before.
  return from === found.to ? { from: Math.max(found.from, from - 1), to: from } : { from, to: from + 1 };
}

/** Characters that change how others look, and are not seen themselves, beyond those that CodeMirror knows. */
const UNSEEN = /[\u202a-\u202e\u2066-\u2069\u061c\u180e\u2060-\u2065\u206a-\u206f\ufff0-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

function showCharacter(code, description) {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return element("span", { class: "cm-unseen", title: description ?? name, "aria-label": description ?? name }, name);
}
