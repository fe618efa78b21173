/** The subscriptions of a draft: choose one to edit, switch it on or off, add and remove. */
import { button, element, fill } from "../elements.js";
import { announce } from "../live_region.js";
import { destinationOf, presetSubscription, subscriptionsOf, withSubscription } from "./draft_store.js";

/**
 * @param {object} session
 * @param {(index: number) => void} onSelect
 */
export function createSubscriptionList(session, onSelect) {
  const { store, start } = session;
  const list = element("ul", { class: "subscriptions" });
  const note = element("p", { class: "help" });
  const choice = element("select", { "aria-label": "What to add" });
  const node = element(
    "section",
    { "aria-labelledby": "subscriptions-heading" },
    element("h2", { id: "subscriptions-heading" }, "Subscriptions"),
    note,
    list,
    element("div", { class: "add" }, choice, button("Add a subscription", add)),
  );
  let selected = 0;
  let verdicts = new Map();
  let offered = null;

  function build() {
    const destination = destinationOf(store.draft, start);
    const subscriptions = subscriptionsOf(store.draft, destination);
    selected = Math.max(0, Math.min(selected, subscriptions.length - 1));
    note.hidden = Boolean(store.draft.subscriptions);
    note.textContent = "The destination's presets. They become yours when you edit one.";
    fill(list, subscriptions.map((subscription, at) => item(subscription, at, destination)));
    // The choice stays while other things change.
    if (offered === destination) return;
    offered = destination;
    fill(
      choice,
      element("optgroup", { label: "Presets" }, destination.presets.map(({ name }, at) => element("option", { value: `preset ${at}` }, name))),
      element("optgroup", { label: "Actions" }, destination.actions.map(({ title }, at) => element("option", { value: `action ${at}` }, title))),
    );
  }

  function item(subscription, at, destination) {
    const name = subscription.name || `Subscription ${at + 1}`;
    const verdict = subscription.enabled ? verdicts.get(at) : { text: "off", kind: "plain" };
    return element(
      "li",
      { class: at === selected ? "selected" : null },
      element(
        "label",
        { class: "enabled", title: "Whether the subscription is enabled" },
        element("input", {
          type: "checkbox", checked: subscription.enabled, "aria-label": `${name} is enabled`,
          onchange: (event) => changeAndFocus(withSubscription(store.draft, destination, at, { enabled: event.target.checked }), at, "input"),
        }),
      ),
      button(name, () => select(at, { isByUser: true }), { class: "choose", "aria-current": at === selected ? "true" : null }),
      verdict && element("span", { class: `tag ${verdict.kind}` }, verdict.text),
      button("×", () => remove(at, name), { class: "quiet", "aria-label": `Remove ${name}` }),
    );
  }

  function changeAndFocus(draft, at, what) {
    store.set(draft, null);
    list.children[at]?.querySelector(what)?.focus();
  }

  function select(at, { isByUser = false } = {}) {
    selected = at;
    build();
    onSelect(at);
    if (isByUser) list.children[at]?.querySelector(".choose")?.focus();
  }

  function add() {
    const destination = destinationOf(store.draft, start);
    const present = subscriptionsOf(store.draft, destination);
    const [kind, at] = choice.value.split(" ");
    const made = kind === "preset" ? presetSubscription(destination.presets[at]) : actionSubscription(destination.actions[at]);
    const taken = new Set(present.map(({ name }) => name));
    const { name } = made;
    for (let number = 2; taken.has(made.name); number += 1) made.name = `${name} ${number}`;
    selected = present.length;
    store.set({ ...store.draft, subscriptions: [...present, made] }, null);
    select(selected, { isByUser: true });
    announce(`${made.name} is added.`);
  }

  function remove(at, name) {
    const destination = destinationOf(store.draft, start);
    const subscriptions = subscriptionsOf(store.draft, destination).filter((_, each) => each !== at);
    if (at < selected) selected -= 1;
    store.set({ ...store.draft, subscriptions }, null);
    select(selected);
    (list.children[Math.min(at, subscriptions.length - 1)]?.querySelector(".choose") ?? choice).focus();
    announce(`${name} is removed.`);
  }

  build();
  // A change of a name is shown here too, also if another part made it. Nothing in this list is typed into.
  const stop = store.onChange(build);
  return {
    node,
    select,
    /** Show what the trigger of each subscription says about the event. */
    showVerdicts(next) {
      const isSame = JSON.stringify([...next]) === JSON.stringify([...verdicts]);
      verdicts = next;
      if (!isSame && !list.contains(document.activeElement)) build();
      else if (!isSame) rebuildKeepingFocus();
    },
    get selected() {
      return selected;
    },
    stop,
  };

  function rebuildKeepingFocus() {
    const at = [...list.children].findIndex((each) => each.contains(document.activeElement));
    const within = [...list.children[at].querySelectorAll("input, button")].indexOf(document.activeElement);
    build();
    list.children[at]?.querySelectorAll("input, button")[within]?.focus();
  }
}

function actionSubscription({ key, title, defaultSubscription }) {
  return { name: title, partnerAction: key, subscribe: defaultSubscription ?? "", mapping: {}, enabled: true };
}
