/** Take what is on the page elsewhere: as a configuration, as requests, as a test, as a link. */
import { button, element, fill } from "../elements.js";
import { openDialog } from "../dialog.js";
import { alertReader, announce } from "../live_region.js";
import { createMenu } from "../menu.js";
import { destinationOf } from "../try/draft_store.js";
import { markKept } from "../try/kept_drafts.js";
import { copyText } from "./clipboard.js";
import { TooLongError, linkTo } from "./link.js";

/**
 * Return the buttons of the toolbar.
 *
 * @param {{api: object, start: object, store: object, event: object}} session
 * @param {() => {subscriptions: {curl: string}[]}} preview  returns the last one
 */
export function shareActions(session, preview) {
  const { api, start, store, event } = session;
  const status = element("p", { class: "share-status help", hidden: true });
  const menu = createMenu("Copy", [
    { text: "Configuration (TOML)", help: "a file for check and deliver", onclick: () => copy("The TOML", exported("toml"), { holdsDraft: true }) },
    { text: "Draft (JSON)", help: "the same as JSON", onclick: () => copy("The JSON", exported("json"), { holdsDraft: true }) },
    { text: "Requests (curl)", help: "with variables in place of secrets", onclick: () => copy("The curl command", curl) },
    { text: "Snapshot test (Python)", help: "of this draft and this event", onclick: () => copy("The test", exported("snapshotTest")) },
  ]);
  const share = button("Share as a link", () => copy("The link", link, { holdsDraft: true }));

  async function copy(name, make, { holdsDraft = false } = {}) {
    tell("");
    try {
      const { text, notes = [] } = await make();
      if (await copyText(text, name)) {
        tell(`${name} is copied.`);
        if (holdsDraft) markKept(session);
      }
      if (notes.length) await showNotes(notes);
    } catch (error) {
      const reasons = (error.problems ?? []).map(({ place, message }) => `${place}: ${message}`);
      tell([error.message, ...reasons].join(" "), true);
    }
  }

  function exported(format) {
    return async () => {
      const body = { draft: store.draft, event: format === "snapshotTest" ? event.text : null };
      const found = await api.post("export", body);
      const notes = format === "toml" ? found.problems.map(({ place, message }) => `${place} ${message}`) : [];
      return { text: found[format], notes };
    };
  }

  async function curl() {
    const commands = preview().subscriptions.map((each) => each.curl).filter(Boolean);
    if (!commands.length) throw new Error("There is nothing to copy: no request would go out for this event.");
    return { text: `${commands.join("\n\n")}\n` };
  }

  async function link() {
    const { draft } = store;
    const secretKeys = destinationOf(draft, start).settings.filter(({ isSecret }) => isSecret).map(({ key }) => key);
    try {
      return { text: await linkTo({ draft, event: event.text }, secretKeys) };
    } catch (error) {
      if (!(error instanceof TooLongError)) throw error;
      const text = await linkTo({ draft, event: null }, secretKeys);
      return { text, notes: ["The event is too long for a link. The link holds the draft only; send the event as a file."] };
    }
  }

  function showNotes(notes) {
    return openDialog("What was left out", (close) => [
      element("ul", {}, notes.map((note) => element("li", {}, note))),
      element("div", { class: "actions" }, button("Close", () => close())),
    ]);
  }

  function tell(text, isError = false) {
    fill(status, text);
    status.hidden = !text;
    status.classList.toggle("problem", isError);
    if (text) (isError ? alertReader : announce)(text);
  }

  return { buttons: [status, menu.node, share], stop: menu.stop };
}
