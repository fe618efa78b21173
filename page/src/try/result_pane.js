/** What the draft makes of the event: problems, and for each subscription its verdict, payload and request. */
import { button, element, fill } from "../elements.js";
import { announce } from "../live_region.js";
import { problemText } from "../problem_text.js";
import { payloadTable } from "./payload_table.js";
import { requestTabs } from "./request_tabs.js";
import { triggerText } from "./trigger_text.js";
import { verdictOf } from "./verdicts.js";

const QUIET_MS = 900;

/**
 * @param {object} options
 * @param {object} options.sources
 * @param {(place: string) => void} options.onPlace  goes to the input of a problem
 * @param {(index: number) => void} options.onSelect  goes to a subscription
 */
export function createResultPane({ sources, onPlace, onSelect }) {
  const problems = element("div", { class: "draft-problems" });
  const cards = element("div", { class: "cards" });
  const node = element("section", { class: "result", "aria-labelledby": "result-heading" }, element("h2", { id: "result-heading" }, "Result"), problems, cards);
  /** Where the result is far below what is edited, this says at the edge of the screen what it is. */
  const glance = button("", () => node.scrollIntoView({ block: "start" }), { class: "glance" });
  const seeing = new IntersectionObserver(([seen]) => { glance.hidden = seen.isIntersecting; });
  seeing.observe(node);
  /** The data of each card. A card whose data stay the same is not built again. */
  let shown = [];
  let said = "";
  let saying = 0;

  function show(preview) {
    fill(problems, preview.problems.length > 0 && problemList(preview.problems));
    if (preview.turnedAway) {
      shown = [];
      fill(cards, element("p", { class: "notice" }, `No subscription gets this event. It is ${preview.turnedAway}`));
    } else if (preview.problems.some(({ place }) => place === "event")) {
      shown = [];
      fill(cards, element("p", { class: "soft" }, "The event cannot be read, so there is no result."));
    } else showCards(preview.subscriptions);
    sources.forgetRemoved();
    glance.textContent = `${summary(preview)} ↓`;
    sayLater(summary(preview));
  }

  function showCards(subscriptions) {
    if (!shown.length || shown.length !== subscriptions.length) fill(cards, subscriptions.map(() => element("div")));
    const texts = subscriptions.map((each) => JSON.stringify(each));
    texts.forEach((text, at) => {
      if (shown.length === texts.length && shown[at] === text) return;
      cards.children[at].replaceWith(card(subscriptions[at]));
    });
    shown = texts;
    if (!subscriptions.length) fill(cards, element("p", { class: "soft" }, "No subscription is enabled and valid, so nothing would be sent."));
  }

  function card(subscription) {
    const { name, index, matches, whyNot, trigger, decidedBy, fields, request, problems: found } = subscription;
    const { text, kind } = verdictOf(subscription);
    return element(
      "article",
      { class: `card ${kind}`, "aria-label": name },
      element(
        "header",
        {},
        element("h3", {}, name),
        element("span", { class: `tag ${kind}` }, text),
        button("Edit", () => onSelect(index), { class: "quiet", "aria-label": `Edit ${name}` }),
      ),
      element("p", { class: "trigger-line" }, triggerText(trigger, decidedBy ?? [], matches)),
      !matches && element("p", { class: "help" }, whyNot),
      found.length > 0 && element("ul", { class: "problems" }, found.map(({ message }) => element("li", { class: "problem" }, message))),
      matches && fields.length > 0 && payloadTable({ ...subscription, problems: found }, sources),
      request && requestTabs(subscription),
    );
  }

  function problemList(all) {
    return element(
      "div",
      { class: "notice error" },
      element("h3", {}, all.length === 1 ? "1 problem" : `${all.length} problems`),
      problemItems(all),
    );
  }

  function problemItems(all) {
    return element("ul", {}, all.map(({ place, message }) =>
      element("li", {}, button(place, () => onPlace(place), { class: "quiet mono" }), " ", problemText(message)),
    ));
  }

  /** Say the result when the typing pauses, and only if it is another one. */
  function sayLater(text) {
    clearTimeout(saying);
    if (text !== said) saying = setTimeout(() => { said = text; announce(text); }, QUIET_MS);
  }

  return {
    node,
    glance,
    show,
    /** Show why there is no result. The last result stays below. */
    showError(error) {
      fill(problems, element("div", { class: "notice error" }, error.message, error.problems?.length > 0 && problemItems(error.problems)));
      glance.textContent = error.message;
      sayLater(error.message);
    },
    stop() {
      clearTimeout(saying);
      seeing.disconnect();
    },
  };
}

function summary({ problems, turnedAway, subscriptions }) {
  const sending = subscriptions.filter(({ request }) => request).length;
  const parts = [turnedAway ? "No subscription gets this event." : `${sending} of ${subscriptions.length} subscriptions would send.`];
  const count = problems.length + subscriptions.reduce((sum, each) => sum + each.problems.length, 0);
  if (count) parts.push(count === 1 ? "There is 1 problem." : `There are ${count} problems.`);
  return parts.join(" ");
}
