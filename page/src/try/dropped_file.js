/** Where events come from: samples, and a file that is stepped through, event by event. */
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { MOST_EVENTS, asLines, readEventFile } from "./event_file.js";
import { createEventStepper } from "./event_stepper.js";
import { takeDroppedFiles } from "./file_dropping.js";
import { indented } from "./json_text.js";
import { createSamples } from "./samples.js";

/** An event of more characters is shown as it is in the file: nobody reads it, and it takes long to lay out. */
const MOST_INDENTED = 1_000_000;

/**
 * Show samples and a file. Lines of it count from 1.
 *
 * @param {HTMLElement} container
 * @param {{api: object, event: object}} session  the file stays in it while another view is shown
 * @returns {{events: string | null, isOpen: boolean, goTo: (line: number) => void, mark: (lines: number[]) => void,
 *   stop: () => void}}  `events` are those of the file as NDJSON; null without a file
 */
export function createDroppedFile(container, session) {
  const { api, event } = session;
  const origin = {};
  let file = session.file ?? null;
  let current = session.fileAt ?? 1;
  /** The text of the event as the file has it. */
  let original = null;

  const picker = element("input", { type: "file", accept: ".ndjson,.jsonl,.json,.txt,application/json", hidden: true, "aria-label": "File of events", onchange: choose });
  const opener = button("Open a file …", () => picker.click());
  const message = element("p", { class: "notice error", hidden: true });
  const stepper = createEventStepper({ onGo: goTo, onRestore: show, onClose: close });
  const sources = element(
    "div",
    { class: "from" },
    createSamples(api, (text) => event.setText(text, "sample")),
    opener,
    picker,
    element("span", { class: "help" }, "or drop NDJSON here. It stays in your browser until you compare."),
  );
  const node = element("div", { class: "event-file" }, sources, stepper.node, message);
  container.append(node);

  function choose() {
    open(picker.files[0]);
    // Else the same file could not be chosen again after a change to it.
    picker.value = "";
  }

  async function open(chosen) {
    if (!chosen) return;
    message.hidden = true;
    try {
      file = await readEventFile(chosen);
    } catch (error) {
      complain(error.message);
      return;
    }
    current = 1;
    stepper.showChanged([]);
    stepper.showFile(file);
    show();
    stepper.focus();
    if (file.total > MOST_EVENTS) {
      complain(`${file.name} has ${number(file.total)} events. Only the first ${number(MOST_EVENTS)} are used here.`);
    }
  }

  function close() {
    file = null;
    session.file = null;
    stepper.showFile(null);
    announce("The file is closed.");
    opener.focus();
  }

  function goTo(wanted) {
    if (file === null) return;
    current = Math.min(Math.max(wanted, 1), file.events.length);
    show();
  }

  /** Show the event of the file, as it is there. */
  function show() {
    Object.assign(session, { file, fileAt: current });
    original = textOf(current);
    event.setText(original, origin);
    stepper.showAt(current);
    stepper.showEdited(false);
    announce(`Event ${number(current)} of ${number(file.events.length)}`);
  }

  function textOf(line) {
    const text = file.events[line - 1];
    return text.length > MOST_INDENTED ? text : indented(text);
  }

  function complain(text) {
    fill(message, text);
    message.hidden = false;
    alertReader(text);
  }

  function pressed(key) {
    const by = { PageDown: 1, PageUp: -1 }[key.key];
    if (!by || !key.altKey || file === null || document.querySelector("dialog[open]")) return;
    key.preventDefault();
    stepper.step(by);
  }

  if (file) {
    original = textOf(current);
    stepper.showFile(file);
    stepper.showAt(current);
    stepper.showEdited(event.text !== original);
  }
  const stopDropping = takeDroppedFiles(node, open);
  const stopListening = event.onChange((text) => stepper.showEdited(file !== null && text !== original));
  document.addEventListener("keydown", pressed, { capture: true });

  return {
    get events() {
      return file && asLines(file.events);
    },
    get isOpen() {
      return file !== null;
    },
    goTo,
    mark: stepper.showChanged,
    stop() {
      stopDropping();
      stopListening();
      document.removeEventListener("keydown", pressed, { capture: true });
      node.remove();
    },
  };
}

function number(value) {
  return value.toLocaleString("en");
}
