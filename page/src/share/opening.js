/** Open a link: its draft and event become those of the page. Nothing else happens; above all, nothing is sent. */
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { markKept } from "../try/kept_drafts.js";
import { readLink } from "./link.js";

/**
 * Open what the rest of the address holds.
 *
 * @param {{start: object, store: object, event: object}} session
 * @param {string} rest
 * @returns {{node: HTMLElement, opened: Promise<void>}}  the notice about it, and when it is done
 */
export function openLink(session, rest) {
  const node = element("p", { class: "notice link-notice", hidden: true, tabIndex: -1 });
  return { node, opened: open() };

  async function open() {
    try {
      // The browser comes back to the link from another view. Its draft is open, and may have changed since.
      if (history.state?.opened === performance.timeOrigin) return;
      const found = await readLink(rest);
      if (!found) return;
      const { draft, event } = found;
      const destination = session.start.destinations.find(({ name }) => name === draft.destination);
      if (!destination) {
        throw new Error(`This link is for the destination “${draft.destination.slice(0, 100)}”, which is not installed here.`);
      }
      const account = session.start.accounts.includes(draft.account) ? draft.account : null;
      // No link of ours holds a secret, and the server takes none from the settings.
      const isOpen = ([key]) => !destination.settings.some((field) => field.isSecret && field.key === key);
      const settings = Object.fromEntries(Object.entries(draft.settings).filter(isOpen));
      const before = { draft: session.store.draft, text: session.event.text };
      session.store.set({ ...draft, settings, account }, "link");
      markKept(session);
      if (event !== null) session.event.setText(event, "link");
      history.replaceState({ opened: performance.timeOrigin }, "");
      show("This is the draft of a link. Nothing is sent unless you press the button and confirm it.");
      if (before.draft !== session.start.draft) node.append(" ", button("Back to my draft", () => goBack(before)));
    } catch (error) {
      node.classList.add("error");
      show(error.message);
    }
  }

  function goBack({ draft, text }) {
    session.store.set(draft, "link");
    session.event.setText(text, "link");
    show("This is your draft again.");
    node.focus();
  }

  function show(text) {
    fill(node, text);
    node.hidden = false;
    (node.classList.contains("error") ? alertReader : announce)(text);
  }
}
