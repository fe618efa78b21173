/** Open a link: its draft and event become those of the page. Nothing else happens; above all, nothing is sent. */
import { element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { readLink } from "./link.js";

/**
 * Open what the rest of the address holds.
 *
 * @param {{start: object, store: object, event: object}} session
 * @param {string} rest
 * @returns {{node: HTMLElement, opened: Promise<void>}}  the notice about it, and when it is done
 */
export function openLink(session, rest) {
  const node = element("p", { class: "notice link-notice", hidden: true });
  return { node, opened: open() };

  async function open() {
    try {
      const found = await readLink(rest);
      if (!found) return;
      const { draft, event } = found;
      const destination = session.start.destinations.find(({ name }) => name === draft.destination);
      if (!destination) {
        throw new Error(`This link is for the destination “${draft.destination.slice(0, 100)}”, which is not installed here.`);
      }
      const account = session.start.accounts.includes(draft.account) ? draft.account : null;
      // A link is made without secrets. In one that somebody else made, they are not for this page.
      const settings = { ...draft.settings };
      for (const { key, isSecret } of destination.settings) if (isSecret) delete settings[key];
      session.store.set({ ...draft, settings, account }, "link");
      if (event !== null) session.event.setText(event, "link");
      show("This is the draft of a link. Nothing is sent unless you press the button and confirm it.");
    } catch (error) {
      node.classList.add("error");
      show(error.message);
    }
  }

  function show(text) {
    fill(node, text);
    node.hidden = false;
    (node.classList.contains("error") ? alertReader : announce)(text);
  }
}
