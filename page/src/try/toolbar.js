/** What the draft is for, and what can be done with it: destination, account, credentials, sending. */
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { accountOf, destinationOf, withAccount } from "./draft_store.js";
import { draftFor, isKept, markKept } from "./kept_drafts.js";

/**
 * @param {object} session
 * @param {{onSend: () => Promise<void>, buttons: HTMLElement[]}} options
 */
export function createToolbar(session, { onSend, buttons }) {
  const { api, start, store } = session;
  const message = element("p", { class: "notice", hidden: true });
  const choices = element("div", { class: "choices" });
  const test = button("Test the credentials", testCredentials);
  const send = button("Send for real …", () => openOnce(), { class: "primary" });
  const node = element("div", { class: "toolbar" }, choices, element("div", { class: "actions" }, buttons, test, send), message);

  function build() {
    const { draft } = store;
    const destination = destinationOf(draft, start);
    test.hidden = !destination.canTestCredentials;
    send.hidden = !destination.canSend;
    fill(
      choices,
      select("Destination", start.destinations.map(({ name, title }) => [name, title]), destination.name, (name) => {
        store.set(draftFor(session, name));
      }),
      start.accounts.length > 1 && accountOf(draft, start) !== null &&
        select("Account", start.accounts.map((name) => [name, name]), accountOf(draft, start), (name) => {
          const isSame = isKept(session);
          store.set(withAccount(store.draft, name, start));
          if (isSame) markKept(session);
        }),
    );
  }

  function select(label, options, value, onChoose) {
    const input = element("select", { onchange: () => { onChoose(input.value); choices.querySelector(`[data-label="${label}"]`)?.focus(); }, data: { label } },
      options.map(([each, title]) => element("option", { value: each, selected: each === value }, title)));
    return element("label", {}, label, input);
  }

  let opening = null;

  function openOnce() {
    opening ??= onSend().finally(() => {
      opening = null;
    });
  }

  async function testCredentials() {
    test.disabled = true;
    show("Testing …", "");
    try {
      const { isAccepted, message: text, target } = await api.post("credentials", { draft: store.draft });
      show(`${target}: ${text}`, isAccepted ? "good" : "error");
    } catch (error) {
      show([error.message, ...error.problems.map((problem) => problem.message)].join(" "), "error");
    }
    test.disabled = false;
    // A button that is disabled loses the focus; but a user who works elsewhere by now keeps it.
    if (document.activeElement === document.body) test.focus();
  }

  function show(text, kind) {
    message.className = `notice ${kind}`;
    message.textContent = text;
    message.hidden = false;
    (kind === "error" ? alertReader : announce)(text);
  }

  build();
  let shownFor = store.draft.destination;
  const stop = store.onChange((draft) => {
    message.hidden = true;
    if (draft.destination !== shownFor || !choices.contains(document.activeElement)) build();
    shownFor = draft.destination;
  });
  return { node, stop };
}
