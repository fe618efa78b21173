/** The draft: in fields, or as text. */
import { createDraftEditor } from "../editor/draft_editor.js";
import { createTabs } from "../tabs.js";

/** The form that the user looked at last stays, also when another view is shown in between. */
let selected = "fields";

/**
 * @param {object} session
 * @param {HTMLElement[]} fields  what is shown as fields
 */
export function createDraftTabs(session, fields) {
  let editor = null;
  let problems = [];
  const stop = () => {
    editor?.destroy();
    editor = null;
  };
  const text = (format) => (panel) => {
    stop();
    editor = createDraftEditor(panel, session, { format });
    editor.showProblems(problems);
  };
  const tabs = createTabs({
    label: "Form of the draft",
    selected,
    onSelect: (key) => { selected = key; },
    tabs: [
      { key: "fields", title: "Fields", show: (panel) => { stop(); panel.append(...fields); } },
      { key: "toml", title: "TOML", show: text("toml") },
      { key: "json", title: "JSON", show: text("json") },
    ],
  });
  return {
    node: tabs.node,
    showProblems(found) {
      problems = found;
      editor?.showProblems(found);
    },
    /** Go to a place in the text. Return whether the draft is shown as text. */
    goTo(place) {
      editor?.goTo(place);
      return editor !== null;
    },
    stop,
  };
}
