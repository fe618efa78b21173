/** Where events come from: samples, and a file that is stepped through, event by event. */
import { button, element, fill, newId } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { MOST_EVENTS, asLines, readEventFile } from "./event_file.js";
import { indented } from "./json_text.js";
import { createSamples } from "./samples.js";

/** An event of more characters is shown as it is in the file: nobody reads it, and it takes long to lay out. */
const MOST_INDENTED = 1_000_000;

/**
 * Show samples and a file.
 *
 * @param {HTMLElement} container
 * @param {{api: object, event: object}} session
 * @returns {{events: string | null, isOpen: boolean, goTo: (line: number) => void, mark: (lines: number[]) => void,
 *   stop: () => void}}  `events` are those of the file as NDJSON; null without a file. Lines count from 1.
 */
export function createDroppedFile(container, session) {
  const { api, event } = session;
  const origin = {};
  let file = session.file ?? null;
  let current = session.fileAt ?? 0;
  /** The text of the event as the file has it, and the events that the last comparison found changed, from 1. */
  let original = null;
  let changed = [];

  const picker = element("input", {
    type: "file",
    accept: ".ndjson,.jsonl,.json,.txt,application/json",
    hidden: true,
    "aria-label": "File of events",
    onchange: () => {
      open(picker.files[0]);
      picker.value = "";
    },
  });
  const message = element("p", { class: "notice error", hidden: true });
  const stepper = element("div", { class: "stepper", role: "group", "aria-label": "Events of the file", hidden: true });
  const node = element(
    "div",
    { class: "event-file" },
    element(
      "div",
      { class: "from" },
      createSamples(api, (text) => event.setText(text, origin)),
      button("Open a file …", () => picker.click()),
      picker,
      element("span", { class: "help" }, "or drop NDJSON here. It stays in your browser until you compare."),
    ),
    stepper,
    message,
  );
  container.append(node);

  const id = newId("line");
  const line = element("input", { id, type: "number", min: 1, value: 1, inputmode: "numeric", onchange: () => goTo(line.valueAsNumber) });
  const count = element("span");
  const name = element("strong");
  const previous = button("‹", () => step(-1), { "aria-label": "Previous event", title: "Previous event (Alt+Page Up)" });
  const next = button("›", () => step(1), { "aria-label": "Next event", title: "Next event (Alt+Page Down)" });
  const nextChange = button("", () => goTo(changed.find((each) => each > current + 1) ?? changed[0]), { hidden: true });
  const restore = button("Undo the changes", () => show(), { class: "quiet", hidden: true });
  stepper.append(
    name,
    element("span", { class: "step" }, previous, element("label", { for: id }, "Event"), line, count, next),
    nextChange,
    restore,
    button("Close the file", close, { class: "quiet" }),
  );

  async function open(chosen) {
    if (!chosen) return;
    message.hidden = true;
    try {
      file = await readEventFile(chosen);
    } catch (error) {
      return complain(error.message);
    }
    current = 0;
    mark([]);
    layOut();
    show();
    if (file.total > MOST_EVENTS) {
      complain(`${file.name} has ${number(file.total)} events. Only the first ${number(MOST_EVENTS)} are used here.`);
    }
    return next.focus();
  }

  function close() {
    session.file = null;
    file = null;
    layOut();
    announce("The file is closed.");
    node.querySelector("button").focus();
  }

  function layOut() {
    stepper.hidden = file === null;
    session.file = file;
    if (file === null) return;
    fill(name, file.name);
    fill(count, `of ${number(file.events.length)}`);
    line.max = file.events.length;
    line.value = current + 1;
  }

  function step(by) {
    goTo(current + 1 + by);
  }

  function goTo(wanted) {
    if (file === null) return;
    const most = file.events.length;
    current = Math.min(Math.max(Math.trunc(wanted) || current + 1, 1), most) - 1;
    show();
  }

  /** Show the event of the file, as it is there. */
  function show() {
    session.fileAt = current;
    line.value = current + 1;
    // They keep the focus at the ends, where they do nothing.
    previous.setAttribute("aria-disabled", String(current === 0));
    next.setAttribute("aria-disabled", String(current === file.events.length - 1));
    original = textOf(current);
    event.setText(original, origin);
    restore.hidden = true;
    announce(`Event ${number(current + 1)} of ${number(file.events.length)}`);
  }

  /** Offer to go through the events that a comparison found changed. */
  function mark(lines) {
    changed = [...new Set(lines)].sort((one, other) => one - other);
    nextChange.hidden = changed.length === 0;
    fill(nextChange, "Next change ›");
  }

  function textOf(index) {
    const text = file.events[index];
    return text.length > MOST_INDENTED ? text : indented(text);
  }

  function complain(text) {
    fill(message, text);
    message.hidden = false;
    alertReader(text);
  }

  const isFile = (dragged) => dragged.dataTransfer?.types.includes("Files");
  const listeners = {
    dragover(dragged) {
      if (!isFile(dragged)) return;
      dragged.preventDefault();
      node.classList.add("dropping");
    },
    dragleave(dragged) {
      if (dragged.relatedTarget === null) node.classList.remove("dropping");
    },
    drop(dragged) {
      if (!isFile(dragged)) return;
      // Else the browser leaves the page for the file, or the editor takes it all in as text.
      dragged.preventDefault();
      dragged.stopPropagation();
      node.classList.remove("dropping");
      open(dragged.dataTransfer.files[0]);
    },
    keydown(pressed) {
      if (file === null || !pressed.altKey || document.querySelector("dialog[open]")) return;
      if (pressed.key !== "PageDown" && pressed.key !== "PageUp") return;
      pressed.preventDefault();
      step(pressed.key === "PageDown" ? 1 : -1);
    },
  };
  for (const [kind, listener] of Object.entries(listeners)) document.addEventListener(kind, listener, { capture: true });
  const stopListening = event.onChange((text) => {
    restore.hidden = file === null || text === original;
  });
  if (file) {
    original = textOf(current);
    restore.hidden = event.text === original;
    layOut();
  }

  return {
    get events() {
      return file && asLines(file.events);
    },
    get isOpen() {
      return file !== null;
    },
    goTo,
    mark,
    stop() {
      stopListening();
      for (const [kind, listener] of Object.entries(listeners)) document.removeEventListener(kind, listener, { capture: true });
      node.remove();
    },
  };
}

function number(value) {
  return value.toLocaleString("en");
}
