/** Watch the delivery: figures of the moment, charts of the last minutes, the lanes, and the latest outcomes. */
import { button, element } from "../elements.js";
import { announce } from "../live_region.js";
import { createChartsPane } from "./charts_pane.js";
import { createFeed } from "./feed.js";
import { createHistory } from "./history.js";
import { createLanesPane } from "./lanes_pane.js";
import { createOutcomesPane } from "./outcomes_pane.js";
import { createTiles } from "./tiles.js";

/** Lanes are asked for with every so many messages, and at once when something about them changes. */
const MESSAGES_PER_STATUS = 5;

/** A tab that nobody sees for this time gives its connection back: a browser has six for a host. */
const HIDDEN_MS = 30_000;

const STATES = {
  connecting: { text: "connecting …", kind: "plain" },
  live: { text: "updating", kind: "good" },
  waiting: { text: "not connected", kind: "must" },
  paused: { text: "paused", kind: "plain" },
};

/** Show the view in a container, and return a function that stops it. */
export function show(container, { api, showTarget }) {
  showTarget({});
  const history = createHistory();
  const state = element("span", { class: "tag plain", role: "status" });
  const fault = element("p", { class: "notice", hidden: true });
  const name = element("p", { class: "mono soft" });
  const pause = button("Pause", onPause);
  const tiles = createTiles();
  const charts = createChartsPane(history);
  const lanes = createLanesPane({ api, onResumed: () => readStatus() });
  const outcomes = createOutcomesPane();
  const content = element("div", { class: "watched", hidden: true }, tiles.node, charts.node, lanes.node, outcomes.node);
  let isPaused = false;
  let isStopped = false;
  let seen = "";
  let messages = 0;
  let hiding = null;

  const feed = createFeed(api, { onMessage, onState });
  container.append(
    element(
      "div",
      { class: "watch" },
      element("header", { class: "heading" }, element("h2", {}, "Delivery"), state, name, element("div", { class: "actions" }, pause)),
      fault,
      content,
    ),
  );
  feed.start();
  document.addEventListener("visibilitychange", onVisibility);

  function onVisibility() {
    if (isPaused) return;
    if (document.hidden) {
      hiding ??= setTimeout(() => {
        hiding = null;
        feed.pause();
      }, HIDDEN_MS);
    } else if (hiding !== null) {
      clearTimeout(hiding);
      hiding = null;
    } else {
      feed.start();
    }
  }

  function onMessage(message) {
    content.hidden = false;
    history.add(message);
    tiles.update(message);
    charts.update();
    outcomes.update(message);
    const now = JSON.stringify([message.queued > 0, message.stopped, message.dead]);
    if (now !== seen || messages % MESSAGES_PER_STATUS === 0) readStatus();
    seen = now;
    messages += 1;
  }

  function onState(now, error) {
    const { text, kind } = STATES[now];
    if (state.textContent !== text) state.textContent = text;
    state.className = `tag ${kind}`;
    if (now === "connecting") return;
    fault.hidden = now !== "waiting" || !error;
    fault.className = error?.code === "no_outbox" ? "notice" : "notice error";
    if (error && fault.textContent !== error.message) fault.textContent = error.message;
  }

  async function readStatus() {
    try {
      const status = await api.get("status");
      if (isStopped) return;
      name.textContent = status.name;
      lanes.update(status);
    } catch {
      // The live messages show that the server is gone, or that there is no outbox.
    }
  }

  function onPause() {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Continue" : "Pause";
    if (isPaused) feed.pause();
    else feed.start();
    announce(isPaused ? "The figures stay as they are." : "The figures change again.");
  }

  return () => {
    isStopped = true;
    document.removeEventListener("visibilitychange", onVisibility);
    clearTimeout(hiding);
    feed.stop();
    charts.destroy();
    container.replaceChildren();
  };
}
