/** One dead letter: why it is one, its event to be corrected, and what was sent and answered. */
import { createEventEditor } from "../editor/event_editor.js";
import { button, element, fill } from "../elements.js";
import { dayTime } from "../moments.js";
import { REASONS } from "./groups_pane.js";

/**
 * Return the pane of a letter.
 *
 * @param {object} shown  the answer of GET dead-letters/{id}
 * @param {{onReplay: (event: string | null) => void, onTry: (event: string) => void, onDiscard: () => void, onClose: () => void}} options
 *   `onReplay` gets the text if it was changed
 */
export function createLetterPane(shown, { onReplay, onTry, onDiscard, onClose }) {
  const { letter } = shown;
  const problems = element("ul", { class: "problems" });
  const result = element("div", { class: "result", tabIndex: -1 });
  const replay = button("Replay", () => onReplay(isChanged() ? editor.getText() : null), { class: "primary" });
  const undo = button("Undo my changes", onUndo, { hidden: true });
  const discard = button("Discard …", () => onDiscard());
  const tryIt = button("Try it", () => onTry(editor.getText()), { title: "See in the other view what the mapping makes of this event" });
  const whyNot = element("p", { class: "help" });
  const around = element("div", { class: "event-editor" });
  const heading = element("h2", { id: "letter-heading", tabIndex: -1 }, `Dead letter ${letter.id}`);
  const node = element(
    "section",
    { class: "letter", "aria-labelledby": "letter-heading" },
    element("header", {}, heading, element("span", { class: "tag bad" }, letter.reason), letter.environment && element("span", { class: `tag ${letter.isLive ? "bad" : "plain"}` }, letter.environment), button("Back to the list", onClose, { class: "quiet back" })),
    element("div", { class: "why" }, element("p", { class: "notice error" }, letter.message), shown.problems.length > 1 && fieldProblems(shown.problems), element("p", { class: "help" }, REASONS[letter.reason])),
    facts([
      ["When", dayTime(letter.at)],
      ["Account", letter.account],
      ["Action", letter.action],
      ["Subscription", letter.subscription],
      ["From", `${letter.source}, ${letter.line}${letter.item ? `, item ${letter.item}` : ""}`],
    ]),
    element(
      "div",
      { class: "parts" },
      element(
        "section",
        { "aria-labelledby": "letter-event" },
        element("h3", { id: "letter-event" }, "Event"),
        around,
        problems,
        whyNot,
        result,
        element("div", { class: "actions" }, replay, undo, shown.event !== null && tryIt, discard),
        shown.target && element("p", { class: "help" }, `A replay goes to ${shown.target}.${shown.isSentHere ? "" : " It is queued, and the next delivery sends it."}`),
      ),
      element("section", { "aria-labelledby": "letter-answer" }, element("h3", { id: "letter-answer" }, "Request and answer"), sentPart(shown), answerPart(shown)),
    ),
  );
  const editor = shown.whyNotEdit ? fixedText(shown.event) : createEventEditor(around, { label: "Event as JSON.", onChange: onEdit });
  if (shown.whyNotEdit) around.append(editor.node);
  else editor.setText(shown.event);
  const original = editor.getText();
  onEdit();

  function isChanged() {
    return editor.getText() !== original;
  }

  function onEdit() {
    const changed = editor !== undefined && isChanged();
    undo.hidden = !changed;
    replay.textContent = changed ? "Replay the corrected event" : "Replay";
    replay.disabled = !changed && shown.whyNotReplay !== null;
    whyNot.textContent = shown.whyNotEdit ?? (changed ? "" : (shown.whyNotReplay ?? ""));
    whyNot.hidden = !whyNot.textContent;
    fill(problems);
    editor?.showProblems([]);
  }

  function edit(text) {
    editor.setText(text);
    onEdit();
  }

  function onUndo() {
    edit(original);
    editor.focus();
  }

  return {
    node,
    isChanged,
    original,
    edit,
    get text() { return editor.getText(); },
    focus: () => heading.focus(),
    setBusy(isBusy) {
      replay.disabled = isBusy || (!isChanged() && shown.whyNotReplay !== null);
      discard.disabled = isBusy;
      // An outbox that another program has locked takes a minute to answer.
      fill(result, isBusy && element("p", { class: "soft" }, "Working …"));
    },
    /** Show why nothing happened, with problems at their lines or fields. */
    showFault(message, found = []) {
      editor.showProblems(found.filter(({ line }) => line));
      fill(problems, found.map(({ place, message: words, line }) => element("li", { class: "problem" }, line ? `Line ${line}: ${words}` : [element("code", {}, place), ` ${words}`])));
      fill(result, element("p", { class: "notice error" }, message));
      result.focus();
    },
    destroy: () => editor.destroy(),
  };
}

function fixedText(text) {
  const node = text === null ? element("p", { class: "soft" }, "The outbox has no text of it.") : code(text, "Event");
  return { node, getText: () => text ?? "", showProblems() {}, focus: () => node.focus(), destroy() {} };
}

function sentPart({ request, payload, letter }) {
  if (request) {
    return element(
      "div",
      { class: "sent-request" },
      element("p", { class: "request-line" }, element("strong", {}, request.method), " ", element("code", {}, request.url)),
      element("p", { class: "help" }, "Shown with this event alone. Others may have been in the same request."),
      code(request.body, "Body of the request"),
      element("details", {}, element("summary", {}, "Headers"), code(Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`).join("\n"), "Headers of the request")),
    );
  }
  if (payload) return [element("p", { class: "help" }, "The payload that was made of the event:"), code(payload, "Payload")];
  const why = letter.reason === "refused" || letter.reason === "exhausted" ? "What was sent is not known any more." : "Nothing was sent: the event was rejected before.";
  return element("p", { class: "soft" }, why);
}

function answerPart({ letter, requestId }) {
  if (letter.status === null && !requestId) return element("p", { class: "soft" }, letter.reason === "exhausted" ? "There was no answer." : "");
  return facts([["Status", letter.status], ["Request ID", requestId], ["Answer", letter.message]]);
}

function fieldProblems(problems) {
  return element("ul", { class: "problems" }, problems.map(({ place, message }) => element("li", { class: "problem" }, place && element("code", {}, place), ` ${message}`)));
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", { class: "facts" }, known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
}

/** Return text that scrolls. The tab index lets the keyboard reach it. */
function code(text, label) {
  return element("pre", { tabIndex: 0, role: "region", "aria-label": label }, text);
}
