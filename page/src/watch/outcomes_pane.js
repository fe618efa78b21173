/** The latest outcomes: each request with its answer, the newest first. */
import { element, fill } from "../elements.js";
import { clockTime, duration, number } from "../moments.js";

const TAGS = { delivered: "good", failed: "bad", rejected: "bad", stopped: "must" };
const COLUMNS = ["Time", "Outcome", "Status", "Reason", "Events", "Took", "Action"];

export function createOutcomesPane() {
  const body = element("tbody");
  const empty = element("p", { class: "soft" }, "Nothing was sent since you began to watch.");
  const table = element(
    "div",
    { class: "wide outcomes", tabIndex: 0, role: "region", "aria-label": "Table of outcomes", hidden: true },
    element("table", {}, element("thead", {}, element("tr", {}, COLUMNS.map((title) => element("th", { scope: "col" }, title)))), body),
  );
  let latest = "";

  return {
    node: element("section", { "aria-labelledby": "outcomes-heading" }, element("h2", { id: "outcomes-heading" }, "Latest outcomes"), empty, table),
    update({ recent }) {
      // Rows that do not change can be read and selected.
      const now = JSON.stringify([recent.length, recent[0]]);
      if (now === latest) return;
      latest = now;
      empty.hidden = recent.length > 0;
      table.hidden = recent.length === 0;
      fill(body, recent.map(row));
    },
  };
}

function row({ at, outcome, action, account, status, events, seconds, error }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, clockTime(at)),
    element("td", {}, element("span", { class: `tag ${TAGS[outcome] ?? "plain"}` }, outcome)),
    element("td", { class: "number" }, status ?? "–"),
    element("td", { class: "reason" }, error || "–"),
    element("td", { class: "number" }, events ? number(events) : "–"),
    element("td", { class: "number" }, seconds === null ? "–" : duration(seconds)),
    element("td", { title: account }, action || "–"),
  );
}
