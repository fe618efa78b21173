/** Compare the draft as it is with the draft as it was, over all events of the file. */
import { openDialog } from "../dialog.js";
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { problemText } from "../problem_text.js";
import { asLines } from "../try/event_file.js";
import { createResult } from "./result.js";

/**
 * Return the buttons of the toolbar.
 *
 * @param {{api: object, start: object, store: object, event: object}} session
 * @param {{events: string | null, goTo: (line: number) => void, mark: (lines: number[]) => void}} droppedFile
 */
export function compareActions(session, droppedFile) {
  const keep = button("Keep as before", keepDraft, { title: "Remember the draft as it is now, to compare with it later" });
  const compare = button("Compare …", open);

  function keepDraft() {
    session.before = { draft: session.store.draft, at: new Date() };
    fill(keep, "Kept ✓");
    announce("The draft is kept. Change it, then compare.");
  }
  // Once the draft changes, the button offers to keep the next one.
  const stop = session.store.onChange((draft) => fill(keep, draft === session.before?.draft ? "Kept ✓" : "Keep as before"));

  async function open() {
    const stopping = new AbortController();
    const { draft, text } = before(session);
    const events = droppedFile.events ?? asLines([session.event.text]);
    const place = element("div", { class: "comparison" }, element("p", { class: "soft" }, "Comparing … Many events take some seconds."));
    const close = openDialog("Before and after", (end) => {
      run(end);
      return [element("p", { class: "help" }, text, scope(droppedFile)), place];
    }, { className: "wide" });
    await close;
    stopping.abort();

    async function run(end) {
      try {
        const found = await session.api.post("compare", { before: draft, after: session.store.draft, events }, { signal: stopping.signal });
        droppedFile.mark(found.changes.map(({ line }) => line).filter((line) => line !== null));
        const openEvent = (line) => {
          end();
          droppedFile.goTo(line);
        };
        fill(place, createResult(found, droppedFile.isOpen ? openEvent : null));
        announce(`${found.changedEvents} of ${found.events} events change.`);
      } catch (error) {
        if (error.name === "AbortError") return;
        const reasons = (error.problems ?? []).map((problem) => element("li", {}, element("code", {}, problem.place), " ", problemText(problem.message)));
        fill(place, element("p", { class: "notice error" }, error.message), reasons.length > 0 && element("ul", {}, reasons));
        alertReader(error.message);
      }
    }
  }

  return { buttons: [keep, compare], stop };
}

/** Return the draft to compare with, and what it is. */
function before({ before: kept, start }) {
  if (!kept) return { draft: start.draft, text: "Before: the draft that the page began with. “Keep as before” remembers another one. " };
  return { draft: kept.draft, text: `Before: the draft that you kept at ${kept.at.toLocaleTimeString()}. ` };
}

function scope(droppedFile) {
  return droppedFile.isOpen
    ? "After: the draft as it is now. Both are applied to all events of the file, as they are in it."
    : "After: the draft as it is now. Both are applied to the event; open a file to compare many.";
}
