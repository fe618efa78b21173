/** The event: its editor, and what is wrong with its text. */
import { createEventEditor } from "../editor/event_editor.js";
import { element, fill, newId } from "../elements.js";
import { problemText } from "../problem_text.js";

export function createEventPane(session) {
  const { event } = session;
  const problems = element("ul", { class: "problems", id: newId("problems") });
  const around = element("div", { class: "event-editor" });
  const top = element("div", { class: "event-sources" });
  const node = element("section", { class: "event", "aria-labelledby": "event-heading" }, element("h2", { id: "event-heading" }, "Event"), top, around, problems);
  const editor = createEventEditor(around, { label: "Event as JSON", onChange: (text) => event.setText(text, editor) });
  editor.setText(event.text);
  let shown = "[]";
  const stop = event.onChange((text, origin) => origin !== editor && editor.setText(text, { canUndo: origin === "sample" || origin === "link" }));

  return {
    node,
    top,
    editor,
    /** Show the problems of the event at their lines, and as texts. */
    showProblems(found) {
      const now = JSON.stringify(found);
      if (now === shown) return;
      shown = now;
      editor.showProblems(found);
      fill(problems, found.map(({ message, line }) => element("li", { class: "problem" }, problemText(line ? `Line ${line}: ${message}` : message))));
    },
    focus: () => editor.focus(),
    stop() {
      stop();
      editor.destroy();
    },
  };
}
