/** The lanes: what each holds, why one has stopped, and the button that starts it again. */
import { ask } from "../dialog.js";
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { counted, dayTime, number, rate, span } from "../moments.js";

/**
 * @param {{api: object, onResumed: () => void}} options
 */
export function createLanesPane({ api, onResumed }) {
  const list = element("ul", { class: "lanes" });
  const note = element("p", { class: "soft" });
  const shown = new Map();

  return {
    node: element("section", { "aria-labelledby": "lanes-heading" }, element("h2", { id: "lanes-heading" }, "Lanes"), note, list),
    update({ at, lanes, lanesLeftOut }) {
      note.textContent = lanes.length === 0
        ? "There are no lanes yet. Each action of each account gets one with its first event."
        : lanesLeftOut > 0 ? `${counted(lanesLeftOut, "more lane")} not shown: ${lanesLeftOut === 1 ? "it has" : "they have"} fewer events.` : "";
      note.hidden = note.textContent === "";
      const names = new Set();
      lanes.forEach((lane, position) => {
        const name = JSON.stringify([lane.account, lane.action]);
        names.add(name);
        if (!shown.has(name)) shown.set(name, createLane(lane, { api, onResumed }));
        const item = shown.get(name);
        item.update(lane, at);
        // A lane is moved only if its place changes: to move it would take the focus from its button.
        if (list.children[position] !== item.node) list.insertBefore(item.node, list.children[position] ?? null);
      });
      for (const [name, item] of shown) {
        if (names.has(name)) continue;
        item.node.remove();
        shown.delete(name);
      }
    },
  };
}

function createLane(first, { api, onResumed }) {
  let lane = first;
  const state = element("span", { class: "tag" });
  const facts = element("dl", { class: "facts" });
  const reason = element("p");
  const result = element("p", { class: "notice good", hidden: true, tabIndex: -1 });
  const resume = button("Resume", onResume, { class: "primary", "aria-label": `Resume ${lane.action} of ${lane.account}` });
  const node = element(
    "li",
    { class: "card lane" },
    element(
      "header",
      {},
      element("h3", {}, lane.action),
      lane.environment && element("span", { class: `tag ${lane.isLive ? "bad" : "plain"}` }, lane.environment),
      state,
      resume,
    ),
    element("p", { class: "mono soft" }, lane.account),
    reason,
    result,
    facts,
  );

  async function onResume() {
    if (lane.isLive && !(await isMeant(lane))) return;
    resume.disabled = true;
    try {
      const answer = await api.post("lanes/resume", { account: lane.account, action: lane.action });
      result.hidden = false;
      result.className = "notice good";
      result.textContent = answer.message;
      announce(answer.message);
      onResumed();
    } catch (error) {
      result.hidden = false;
      result.className = "notice error";
      result.textContent = error.message;
      alertReader(error.message);
    }
    resume.disabled = false;
    // A button that is disabled or goes loses the focus.
    if (document.activeElement === document.body) result.focus();
  }

  return {
    node,
    update(now, at) {
      lane = now;
      const { kind, text } = stateOf(lane, at);
      state.className = `tag ${kind}`;
      state.textContent = text;
      node.classList.toggle("bad", lane.stopped);
      node.classList.toggle("good", kind === "good");
      resume.hidden = !(lane.stopped || isPaused(lane, at) || waits(lane, at));
      resume.textContent = lane.stopped ? "Resume" : "Send now";
      // A message of success is over then; why it could not be resumed is not.
      if (lane.stopped && result.classList.contains("good")) result.hidden = true;
      reason.hidden = !lane.error || !(lane.stopped || lane.queued > 0);
      reason.className = lane.stopped ? "notice error" : "help";
      reason.textContent = lane.error ? `${lane.stopped ? "Stopped" : "Last error"}${lane.errorAt ? `, ${dayTime(lane.errorAt)}` : ""}: ${lane.error}` : "";
      fill(facts, factsOf(lane, at).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    },
  };
}

function isMeant(lane) {
  return ask({
    title: `Resume ${lane.action}?`,
    text: `This sends ${counted(lane.queued, "event")} to ${lane.environment}, which bills real customers.`,
    confirm: `Send to ${lane.environment}`,
    isDangerous: true,
  });
}

function stateOf(lane, at) {
  if (lane.stopped) return { kind: "bad", text: "stopped" };
  if (isPaused(lane, at)) return { kind: "must", text: `pauses for ${span(lane.pausedUntil - at)}` };
  if (lane.leased > 0) return { kind: "good", text: "sending" };
  if (lane.queued === 0) return { kind: "plain", text: "empty" };
  if (waits(lane, at)) return { kind: "must", text: `next retry in ${span(lane.nextDue - at)}` };
  return { kind: "plain", text: lane.isSentHere ? "due now" : "waits for a delivery" };
}

function isPaused(lane, at) {
  return lane.queued > 0 && lane.pausedUntil !== null && lane.pausedUntil > at;
}

function waits(lane, at) {
  return lane.queued > lane.leased && lane.nextDue !== null && lane.nextDue > at + 1;
}

function factsOf(lane, at) {
  const { limits } = lane;
  return [
    ["Queued", `${counted(lane.queued, "event")}${lane.queued ? ` in ${number(lane.batches)} ${lane.batches === 1 ? "batch" : "batches"}` : ""}`],
    lane.leased > 0 && ["Being sent", number(lane.leased)],
    lane.oldestAt !== null && ["Oldest", `${span(at - lane.oldestAt)} ago`],
    ["Delivered", `${number(lane.delivered)}${lane.deliveredAt ? `, the last ${span(at - lane.deliveredAt)} ago` : ""}`],
    ["Speed", `${rate(lane.perMinute)} a minute`],
    limits && ["Limits", `${counted(limits.inFlight, "request")} at once${limits.perSecond === null ? "" : `, ${rate(limits.perSecond)} a second`}`],
  ].filter(Boolean);
}
