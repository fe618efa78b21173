/** The form of one subscription: its name, action, trigger, and the mapping of each field of the action. */
import { element, fill, newId } from "../elements.js";
import { destinationOf, subscriptionsOf, valueOf, withSubscription } from "./draft_store.js";
import { pathsOf } from "./event_paths.js";
import { createFieldFrame } from "./field_frame.js";
import { createMappingField, createPathsList } from "./mapping_field.js";
import { problemsAt, subscriptionPlace } from "./places.js";

export function createSubscriptionForm(session) {
  const { store, start, event } = session;
  const node = element("section", { class: "subscription", "aria-label": "Subscription" });
  const paths = createPathsList(newId("paths"));
  let index = 0;
  let frames = new Map();
  let shown = { problems: [], ofEvent: [] };

  function build() {
    const destination = destinationOf(store.draft, start);
    const subscription = subscriptionsOf(store.draft, destination)[index];
    frames = new Map();
    if (!subscription) return fill(node, element("p", { class: "soft" }, "There is no subscription. Add one to send events."));
    const action = destination.actions.find(({ key }) => key === subscription.partnerAction);
    const change = (changes) => store.set(withSubscription(store.draft, destination, index, changes), build);

    const name = frame("name", { label: "Name", help: "It is in reports and messages, so make it clear." });
    name.setInput(element("input", { type: "text", value: subscription.name, autocomplete: "off", oninput: (typed) => change({ name: typed.target.value }) }));

    const chosen = frame("partnerAction", { label: "Action", name: "partnerAction", help: action?.description });
    chosen.setInput(element(
      "select",
      { onchange: (typed) => { change({ partnerAction: typed.target.value }); build(); frames.get("partnerAction").focus(); } },
      !action && element("option", { value: subscription.partnerAction }, subscription.partnerAction || "Choose an action"),
      destination.actions.map(({ key, title }) => element("option", { value: key, selected: action?.key === key }, title)),
    ));

    const trigger = frame("subscribe", { label: "Trigger", name: "subscribe", help: "The action runs for events that match." });
    const area = element("textarea", { class: "trigger", value: subscription.subscribe, spellcheck: "false", rows: 2 });
    area.addEventListener("input", () => change({ subscribe: area.value }));
    trigger.setInput(area);

    const mapping = (key, value) => {
      const { [key]: _, ...others } = subscriptionsOf(store.draft, destination)[index].mapping;
      change({ mapping: value === undefined ? others : { ...others, [key]: value } });
    };
    const fields = [...(action?.fields ?? []), ...unknownFields(subscription, action)].map((field) => {
      const made = createMappingField({
        field, value: valueOf(subscription.mapping, field.key), pathsId: paths.node.id, onChange: (value) => mapping(field.key, value),
      });
      frames.set(`mapping.${field.key}`, made);
      return made.node;
    });
    fill(
      node,
      element("div", { class: "fields" }, name.node, chosen.node, trigger.node),
      element("h3", {}, "Mapping"),
      element("div", { class: "fields" }, fields),
      paths.node,
    );
    showProblems(shown.problems, shown.ofEvent);
  }

  function frame(part, options) {
    const made = createFieldFrame(options);
    frames.set(part, made);
    return made;
  }

  /** Show what is wrong: with the draft at each place, and with the payload of the present event at each field. */
  function showProblems(problems, ofEvent) {
    shown = { problems, ofEvent };
    for (const [part, each] of frames) {
      const messages = problemsAt(problems, subscriptionPlace(index, part)).map(({ message }) => message);
      const found = part.startsWith("mapping.") ? problemsAt(ofEvent.map(asProblem), part.slice("mapping.".length)) : [];
      each.showProblems([...messages, ...found.map(({ message }) => `This event: ${message}`)]);
    }
  }

  const offerPaths = () => paths.offer(pathsOf(event.text));
  offerPaths();
  build();
  const stops = [
    store.onChange((_, origin) => origin !== build && build()),
    event.onChange(debounced(offerPaths)),
  ];
  return {
    node,
    showProblems,
    get index() {
      return index;
    },
    /** Show another subscription. */
    select(next) {
      index = next;
      shown = { problems: [], ofEvent: [] };
      build();
    },
    /** Go to the input of a place. Returns whether there is one. */
    focus(place) {
      const part = [...frames.keys()].find((each) => problemsAt([{ place }], subscriptionPlace(index, each)).length);
      const target = part ? frames.get(part) : frames.get("name");
      target?.focus();
      return Boolean(target);
    },
    stop: () => stops.forEach((stop) => stop()),
  };
}

/** Keys of the mapping that the action has no field for: they are shown, for you to remove. */
function unknownFields(subscription, action) {
  const known = new Set(action?.fields.map(({ key }) => key));
  return Object.keys(subscription.mapping)
    .filter((key) => !known.has(key))
    .map((key) => ({
      key,
      label: key,
      description: key.startsWith("@") ? "This directive makes the whole payload." : "The action has no such field.",
      type: "object",
      required: false,
      multiple: false,
    }));
}

function asProblem({ field, message }) {
  return { place: field, message };
}

/** The paths of a large event need not be read with every letter. */
function debounced(callback) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(callback, 400);
  };
}
