/** Try a mapping: edit an event and a draft, and see at once what would be sent. */
import { element } from "../elements.js";
import { compareActions } from "../compare/actions.js";
import { shareActions } from "../share/actions.js";
import { openLink } from "../share/opening.js";
import { createDraftStore } from "./draft_store.js";
import { createDraftTabs } from "./draft_tabs.js";
import { createDroppedFile } from "./dropped_file.js";
import { createEventPane } from "./event_pane.js";
import { createEventText } from "./event_text.js";
import { askBeforeLoss } from "./kept_drafts.js";
import { problemsAt } from "./places.js";
import { createPreviewing } from "./previewing.js";
import { createResultPane } from "./result_pane.js";
import { openSendDialog } from "./send_dialog.js";
import { firstEventText } from "./sample_events.js";
import { createSettingsForm } from "./settings_form.js";
import { createSources } from "./sources.js";
import { createSubscriptionForm } from "./subscription_form.js";
import { createSubscriptionList } from "./subscription_list.js";
import { createToolbar } from "./toolbar.js";
import { verdictsOf } from "./verdicts.js";

/** The draft and the event. They stay when another view is shown in between. */
let session = null;

/** Show the view in a container. Returns a function that stops it. */
export function show(container, context) {
  const { api, start } = context;
  session ??= createSession(api, start);
  const { store, event } = session;
  const eventPane = createEventPane(session);
  const droppedFile = createDroppedFile(eventPane.top, session);
  const settings = createSettingsForm(session);
  const form = createSubscriptionForm(session);
  const list = createSubscriptionList(session, (index) => showSubscription(index));
  const tabs = createDraftTabs(session, [settings.node, list.node, form.node]);
  const result = createResultPane({ sources: createSources(eventPane.editor), onPlace: goTo, onSelect: (index) => list.select(index) });
  const share = shareActions(session, () => preview);
  const compare = compareActions(session, droppedFile);
  const link = openLink(session, context.rest);
  const toolbar = createToolbar(session, { buttons: [...share.buttons, ...compare.buttons], onSend: () => openSendDialog(session) });
  toolbar.node.append(link.node);
  let preview = { problems: [], subscriptions: [] };

  container.append(element(
    "div",
    { class: "try" },
    toolbar.node,
    start.problems.length > 0 && startProblems(start.problems),
    eventPane.node,
    element("section", { class: "draft", "aria-label": "Draft" }, tabs.node),
    result.node,
    result.glance,
  ));

  const previewing = createPreviewing({
    api,
    request: () => ({ draft: store.draft, event: event.text }),
    onPreview: showPreview,
    onError: result.showError,
  });

  async function begin() {
    if (event.text) return previewing.refresh();
    try {
      event.setText(await firstEventText(api));
    } catch (error) {
      result.showError(error);
    }
    return undefined;
  }

  function showPreview(next) {
    preview = next;
    context.showTarget(next);
    result.show(next);
    settings.showProblems(next.problems);
    tabs.showProblems(next.problems);
    eventPane.showProblems(problemsAt(next.problems, "event"));
    list.showVerdicts(verdictsOf(next));
    showSubscriptionProblems();
  }

  function showSubscription(index) {
    form.select(index);
    showSubscriptionProblems();
  }

  function showSubscriptionProblems() {
    const found = preview.subscriptions.find(({ index }) => index === list.selected);
    form.showProblems(preview.problems, found?.matches ? found.problems : []);
  }

  function goTo(place) {
    if (place.startsWith("event")) return eventPane.focus();
    if (tabs.goTo(place)) return undefined;
    if (settings.focus(place)) return undefined;
    const [, index] = /^subscriptions\[(\d+)\]/.exec(place) ?? [];
    if (index === undefined) return undefined;
    if (Number(index) !== list.selected) list.select(Number(index));
    return form.focus(place);
  }

  const stops = [
    store.onChange(() => {
      if (form.index !== list.selected) showSubscription(list.selected);
      previewing.refresh();
    }),
    event.onChange(() => previewing.refresh()),
    ...[toolbar, share, compare, tabs, settings, list, form, result, droppedFile, eventPane].map((part) => part.stop),
    previewing.stop,
  ];
  link.opened.then(begin);
  return () => stops.forEach((stop) => stop());
}

function createSession(api, start) {
  const made = { api, start, store: createDraftStore(start.draft), event: createEventText() };
  askBeforeLoss(made);
  return made;
}

/** Return what is wrong with the configuration that the page was started with. */
function startProblems(problems) {
  return element(
    "div",
    { class: "notice error start-problems" },
    element("h2", {}, "The configuration has problems"),
    element("ul", {}, problems.map(({ place, message }) => element("li", {}, element("code", {}, place), ` ${message}`))),
  );
}
