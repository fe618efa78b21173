/** Send the event for real: ask first with the name of the target, then show the answers. */
import { button, element, fill } from "../elements.js";
import { openDialog } from "../dialog.js";
import { alertReader, announce } from "../live_region.js";
import { destinationOf, isSecretSet } from "./draft_store.js";
import { MOST_CHARACTERS, TOO_LONG } from "./previewing.js";

/** Ask whether to send the event as it is now. The page may still show the result of an earlier text. */
export async function openSendDialog(session) {
  // The user confirms these, and not what they may become behind the dialog.
  const { draft } = session.store;
  const { text } = session.event;
  const { preview = null, error = null } = await previewOf(session.api, draft, text);
  const reason = error ?? whyNot(session, preview);
  if (reason) {
    return openDialog("Send for real", closing(element("p", {}, reason)));
  }
  return openDialog("Send for real", (close) => {
    const result = element("div", { class: "sent" });
    const send = button(`Send to ${preview.environment ?? preview.target}`, onSend, { class: preview.isLive ? "danger" : "primary" });
    const cancel = button("Cancel", () => close(), { autofocus: true });

    async function onSend() {
      send.disabled = true;
      // A button that is disabled loses the focus.
      cancel.focus();
      cancel.textContent = "Close";
      fill(result, element("p", { class: "soft" }, "Sending … It cannot be stopped any more."));
      try {
        const answer = await session.api.post("send", { draft, event: text, confirmed: preview.target });
        fill(result, answer.results.map(sentResult), answer.skipped.map(skippedLine));
        announce(answer.results.map(resultLine).join(" ") || "Nothing was sent.");
        send.textContent = "Send again";
      } catch (error) {
        fill(result, element("div", { class: "notice error" }, error.message, problemList(error.problems)));
        alertReader(error.message);
      }
      send.disabled = false;
      // A user who has closed the dialog must see the answer, too.
      if (!result.isConnected) await openDialog("Send for real", closing(result), { className: "send" });
    }

    const count = requestCount(preview);
    return [
      element("p", {}, `This sends ${count === 1 ? "1 request" : `${count} requests`} to `, element("strong", {}, preview.target), "."),
      preview.isLive && element("p", { class: "notice error" }, "This is live: it bills a real customer. You cannot undo it here."),
      result,
      element("div", { class: "actions" }, cancel, send),
    ];
  }, { className: "send" });
}

/** Return the content of a dialog that only shows something. */
function closing(told) {
  return (close) => [told, element("div", { class: "actions" }, button("Close", () => close(), { class: "primary" }))];
}

async function previewOf(api, draft, event) {
  if (event.length > MOST_CHARACTERS) return { error: TOO_LONG };
  try {
    return { preview: await api.post("preview", { draft, event }) };
  } catch (error) {
    return { error: error.message };
  }
}

/** Return why nothing can be sent now, or null. */
function whyNot({ store, start }, preview) {
  if (preview.problems.length) return "The event or the draft has problems. Correct them first; they are listed under Result.";
  if (!preview.isComplete) {
    const { draft } = store;
    const missing = destinationOf(draft, start).settings.filter(({ key, isSecret }) => isSecret && !draft.secrets?.[key] && !isSecretSet(key, draft, start));
    return `A secret is missing. Type it under Settings: ${missing.map(({ label }) => label).join(", ")}.`;
  }
  if (preview.isLive && !start.canSendLive) return `${preview.target} bills real customers. To send there, start the page with --live.`;
  return requestCount(preview) ? null : "No subscription makes a request of this event, so there is nothing to send.";
}

/** One request can be for several subscriptions; then each shows the same one. */
function requestCount({ subscriptions }) {
  return new Set(subscriptions.filter(({ request }) => request).map(({ http }) => http)).size;
}

function problemList(problems) {
  return problems.length > 0 && element("ul", {}, problems.map(({ place, message }) => element("li", {}, element("code", {}, place), ` ${message}`)));
}

function sentResult(result) {
  const kind = result.error ? "bad" : "good";
  const facts = [
    ["Status", result.status ?? "no answer"],
    ["Request ID", result.requestId ?? "none"],
    ["Time", `${Math.round(result.seconds * 1000)} ms`],
  ];
  return element(
    "article",
    { class: `card ${kind}` },
    element("header", {}, element("h3", {}, result.subscription ?? result.action), element("span", { class: `tag ${kind}` }, result.error ? "not accepted" : "accepted")),
    element("p", { class: "request-line" }, element("strong", {}, result.method), " ", element("code", {}, result.url)),
    result.error && element("p", { class: "problem" }, result.error),
    element("dl", { class: "facts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))))),
    result.answer && element("pre", { tabIndex: 0, role: "region", "aria-label": "Answer" }, result.answer),
  );
}

function skippedLine({ subscription, message }) {
  return element("p", { class: "help" }, `${subscription ?? "The event"} was not sent: ${message}`);
}

function resultLine({ subscription, action, status, error }) {
  const name = subscription ?? action;
  return error ? `${name} was not accepted: ${error}` : `${name} was accepted with status ${status}.`;
}
