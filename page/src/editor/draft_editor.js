/** The draft as text. A text that can be read becomes the draft of the page at once. */
import { json } from "@codemirror/lang-json";
import { StreamLanguage } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { EditorView } from "@codemirror/view";
import { button, element, fill } from "../elements.js";
import { destinationOf, subscriptionsOf } from "../try/draft_store.js";
import { pathsOf } from "../try/event_paths.js";
import { completing } from "./completing.js";
import { jsonOutline } from "./json_outline.js";
import { lastOutline } from "./outline.js";
import { tomlOutline } from "./toml_outline.js";
import { markProblems, mountEditor, rangeAt } from "./view.js";

/** How long after the last key the text is read, and how long after that its faults are shown: who types is not done. */
const PAUSE_MS = 120;
const FAULTS_MS = 500;

/** A text that could not be read when its editor went, and the draft that it was an edit of. */
let unread = null;

/** The values that a text may leave out of a subscription. */
const EMPTY = { name: "", partnerAction: "", subscribe: "", mapping: {}, enabled: true };

const FORMATS = {
  json: { language: json(), outline: jsonOutline, label: "Draft as JSON." },
  toml: { language: StreamLanguage.define(toml), outline: tomlOutline, label: "Draft as TOML." },
};

/**
 * Show an editor of the draft. It reads and sets `session.store`; secrets are not in the text, and stay as they are.
 *
 * @param {HTMLElement} container
 * @param {{api: object, start: object, store: object, event: object}} session
 * @param {{format: "toml" | "json"}} options
 */
export function createDraftEditor(container, session, { format }) {
  const { api, start, store } = session;
  const { language, outline, label } = FORMATS[format];
  const origin = {};
  const presets = element("p", { class: "help" });
  const problems = element("ul", { class: "problems" });
  const outlineOf = lastOutline(outline);
  let timer = 0;
  let running = new AbortController();
  /** The problems of the text itself, and those that the preview finds in its draft. */
  let inText = [];
  let inDraft = [];
  let isBegun = false;
  let isRead = true;
  let isGone = false;

  const around = element("div");
  container.append(presets, around, problems);
  const editor = mountEditor(around, {
    label,
    extensions: () => [
      language,
      completing({ format, outline, known }),
      EditorView.lineWrapping,
      EditorView.updateListener.of((update) => update.docChanged && read()),
    ],
  });

  /** What completion is to know: the destination of the text, and the event as it is now. */
  function known(whole, text) {
    const stringAt = (pointer) => {
      const entry = whole.get(pointer);
      return entry ? text.slice(entry.from, entry.to).replace(/^["']|["']$/g, "") : null;
    };
    const named = start.destinations.find(({ name }) => name === stringAt("/destination"));
    return {
      destination: named ?? destinationOf(store.draft, start),
      actionOf: (index) => stringAt(`/subscriptions/${index}/partnerAction`),
      paths: pathsOf(session.event.text),
      destinations: start.destinations.map(({ name }) => name),
    };
  }

  /** Show the draft of the page as text. */
  async function write() {
    try {
      const found = await ask("export", { draft: store.draft });
      inText = format === "toml" ? found.problems : [];
      isBegun = true;
      isRead = true;
      editor.begin(`${found[format].trimEnd()}\n`);
      show();
    } catch (error) {
      refused(error);
    }
  }

  /** Make the text the draft of the page, when nothing was typed for a moment. */
  function read() {
    clearTimeout(timer);
    running.abort();
    isRead = false;
    timer = setTimeout(readNow, PAUSE_MS);
  }

  async function readNow() {
    const text = getText();
    try {
      const { draft, problems: found } = await ask("import", { text, format });
      if (draft) use(draft);
      isRead = Boolean(draft);
      inText = found;
      if (draft) show();
      else timer = setTimeout(show, FAULTS_MS);
      if (isGone) keep(text);
    } catch (error) {
      refused(error);
    }
  }

  function use(draft) {
    const { draft: old } = store;
    // Accounts and secrets are not in the text, and belong to one destination.
    const others = draft.destination === old.destination ? {} : { account: null, secrets: {} };
    const subscriptions = draft.subscriptions?.map((each) => ({ ...EMPTY, ...each })) ?? null;
    store.set({ ...old, ...draft, subscriptions, ...others }, origin);
  }

  function keep(text) {
    unread = isRead ? null : { format, text, draft: store.draft };
  }

  function getText() {
    return editor.view.state.doc.toString();
  }

  function ask(path, body) {
    clearTimeout(timer);
    running.abort();
    running = new AbortController();
    return api.post(path, body, { signal: running.signal });
  }

  function refused(error) {
    if (error.name === "AbortError") return;
    inText = error.problems?.length ? error.problems : [{ place: "", message: error.message }];
    show();
  }

  function show() {
    if (isGone) return;
    const isReadable = !inText.some(({ line }) => line);
    const shown = isReadable ? [...inText, ...inDraft.filter(isNew)] : inText;
    markProblems(editor.view, shown, rangeOf);
    editor.host.classList.toggle("invalid", shown.length > 0);
    fill(problems, shown.map((problem) => element("li", { class: "problem" }, button(lineText(problem), () => goTo(problem), { class: "quiet" }), " ", problem.message)));
    const isPreset = isBegun && isReadable && store.draft.subscriptions === null;
    fill(presets, isPreset && ["This draft uses the presets of the destination. ", button("Write them out", writeOut, { class: "quiet" })]);
  }

  function isNew({ place, message }) {
    return !inText.some((each) => each.place === place && each.message === message);
  }

  function writeOut() {
    const { draft } = store;
    store.set({ ...draft, subscriptions: subscriptionsOf(draft, destinationOf(draft, start)) }, "presets");
    editor.view.focus();
  }

  /** Return where a problem is: at its line and column, or at the place that it names. */
  function rangeOf({ line, column, place }) {
    const { doc } = editor.view.state;
    if (line) return rangeAt(doc, line, column);
    const entry = outlineOf(doc).atPlace(place);
    if (!entry || entry.pointer === "") return { from: 0, to: doc.line(1).to };
    // A table may have many lines: its first one is enough.
    return { from: entry.start, to: Math.min(Math.max(entry.to, entry.start), doc.lineAt(entry.start).to) };
  }

  function lineText(problem) {
    return `Line ${editor.view.state.doc.lineAt(rangeOf(problem).from).number}`;
  }

  function goTo(problem) {
    const { from } = rangeOf(problem);
    editor.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    editor.view.focus();
  }

  const stop = store.onChange((_draft, by) => by !== origin && write());
  if (unread?.format === format && unread.draft === store.draft) {
    isBegun = true;
    editor.begin(unread.text);
    readNow();
  } else write();
  return {
    /** Show what the preview found, at the places in the text. */
    showProblems(found) {
      inDraft = found.filter(({ place }) => /^(settings|subscriptions|destination)\b/.test(place));
      if (isBegun) show();
    },
    goTo: (place) => goTo({ place }),
    destroy() {
      clearTimeout(timer);
      keep(getText());
      isGone = true;
      // The last letters still count.
      if (!isRead) readNow();
      else running.abort();
      stop();
      editor.destroy();
      fill(container);
    },
  };
}
