/** Send the event for real: ask first with the name of the environment, then show the answers. */
import { button, element, fill } from "../elements.js";
import { openDialog } from "../dialog.js";
import { alertReader, announce } from "../live_region.js";

/**
 * @param {object} session
 * @param {{environment: string, host?: string, isLive: boolean}} target  where it would go
 * @param {number} count  how many requests would be sent
 */
export function openSendDialog(session, target, count) {
  return openDialog("Send for real", (close) => {
    const result = element("div", { class: "sent" });
    const requests = count === 1 ? "1 request" : `${count} requests`;
    const send = button(`Send to ${target.environment}`, onSend, { class: target.isLive ? "danger" : "primary" });
    const cancel = button("Cancel", () => close(), { autofocus: true });

    async function onSend() {
      send.disabled = true;
      fill(result, element("p", { class: "soft" }, "Sending …"));
      try {
        const answer = await session.api.post("send", { draft: session.store.draft, event: session.event.text, confirmed: target.environment });
        fill(result, answer.results.map(sentResult));
        announce(answer.results.map(resultLine).join(" "));
        cancel.textContent = "Close";
        send.textContent = "Send again";
      } catch (error) {
        fill(result, element("div", { class: "notice error" }, error.message, problemList(error.problems)));
        alertReader(error.message);
      }
      send.disabled = false;
    }

    return [
      element("p", {}, "This sends ", requests, " to ", element("strong", {}, target.environment), target.host && [" at ", element("code", {}, target.host)], "."),
      target.isLive && element("p", { class: "notice error" }, "This is Live: it bills a real customer, and cannot be undone here."),
      result,
      element("div", { class: "actions" }, cancel, send),
    ];
  }, { className: "send" });
}

function problemList(problems = []) {
  return problems.length > 0 && element("ul", {}, problems.map(({ place, message }) => element("li", {}, element("code", {}, place), ` ${message}`)));
}

function sentResult(result) {
  const facts = [
    ["Status", result.status ?? "none"],
    ["Request ID", result.requestId || "none"],
    ["Time", seconds(result.seconds)],
  ];
  return element(
    "article",
    { class: `card ${result.error ? "bad" : "good"}` },
    element("header", {}, element("h3", {}, result.action), element("span", { class: `tag ${result.error ? "bad" : "good"}` }, result.error ? "not accepted" : "accepted")),
    result.error && element("p", { class: "problem" }, result.error),
    element("dl", { class: "facts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))))),
    result.answer && element("pre", { tabIndex: 0, role: "region", "aria-label": "Answer" }, result.answer),
  );
}

function resultLine({ action, status, error }) {
  return error ? `${action} was not accepted: ${error}` : `${action} was accepted with status ${status}.`;
}

function seconds(value) {
  return typeof value === "number" ? `${Math.round(value * 1000)} ms` : "none";
}
