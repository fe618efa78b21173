/** The settings of a draft as a form: each with its label, help and problems. Secrets are written, and never shown. */
import { element, fill } from "../elements.js";
import { destinationOf, isSecretSet, valueOf, withSetting } from "./draft_store.js";
import { createFieldFrame, fieldTags } from "./field_frame.js";
import { problemsAt } from "./places.js";
import { createValueInput } from "./value_input.js";

export function createSettingsForm(session) {
  const { store, start } = session;
  const summary = element("summary", {}, element("h2", {}, "Settings"));
  const note = element("span", { class: "tag bad", hidden: true });
  summary.append(note);
  // A form, because browsers ask for one around a password. It is never submitted.
  const fields = element("form", { class: "fields", autocomplete: "off", onsubmit: (event) => event.preventDefault() });
  const node = element("details", { class: "settings" }, summary, fields);
  let frames = new Map();
  let local = new Map();
  let problems = [];

  function build() {
    const { settings } = destinationOf(store.draft, start);
    frames = new Map();
    local = new Map();
    fill(fields, userName(), settings.map((field) => {
      const isSet = field.isSecret && isSecretSet(field.key, store.draft, start);
      const frame = createFieldFrame({
        label: field.label,
        name: field.key,
        tags: [...fieldTags(field), isSet && { text: "is set", kind: "good" }].filter(Boolean),
        help: field.description,
      });
      const change = (value, problem) => {
        local.set(field.key, problem ? [problem] : []);
        showProblems(problems);
        if (!problem) store.set(withSetting(store.draft, field.key, value, field), build);
      };
      const { input, node: around } = field.isSecret
        ? createSecretInput(field, isSet, valueOf(store.draft.secrets, field.key), change)
        : createValueInput(field, valueOf(store.draft.settings, field.key), change);
      frame.setInput(input, around);
      frames.set(field.key, frame);
      return frame.node;
    }));
    showProblems(problems);
  }

  function showProblems(all) {
    problems = all;
    let count = 0;
    for (const [key, frame] of frames) {
      const messages = [...(local.get(key) ?? []), ...problemsAt(all, `settings.${key}`).map(({ message }) => message)];
      frame.showProblems(messages);
      count += messages.length;
    }
    note.hidden = !count;
    note.textContent = count === 1 ? "1 problem" : `${count} problems`;
  }

  build();
  const stop = store.onChange((_, origin) => origin !== build && build());
  return {
    node,
    showProblems,
    /** Go to the input of a setting. Returns whether there is one. */
    focus(place) {
      const key = [...frames.keys()].find((each) => problemsAt([{ place }], `settings.${each}`).length);
      if (!key) return false;
      node.open = true;
      frames.get(key).focus();
      return true;
    },
    stop,
  };
}

/** Browsers look for a name beside a password. There is none, and this says so. */
function userName() {
  return element("input", { type: "text", autocomplete: "username", hidden: true, "aria-hidden": "true", tabIndex: -1 });
}

/** An input whose text is in memory only. What the server has is not sent to the page: it says only that it is set. */
function createSecretInput(field, isSet, value, onChange) {
  const input = element("input", {
    type: "password",
    value: value ?? "",
    autocomplete: "new-password",
    spellcheck: "false",
    placeholder: isSet ? "Set on the server. Type to use another." : field.placeholder || null,
    oninput: () => onChange(input.value || undefined),
  });
  return { input, node: input };
}
