/** What a comparison found: the outcomes, the bill, and each change with its values before and after. */
import { button, element, fill, newId } from "../elements.js";
import { amountCells } from "./amounts.js";
import { markedTexts } from "./marked_texts.js";

const AT_ONCE = 20;
const OUTCOMES = { planned: "Sent", skipped: "Skipped", rejected: "Rejected", unreadable: "Not readable" };

/**
 * Return the nodes that show an answer of `compare`.
 *
 * @param {object} found
 * @param {((line: number) => void) | null} openEvent  shows an event of the file; null without a file
 */
export function createResult(found, openEvent) {
  const events = count(found.events, "event");
  if (!found.changes.length) return [element("p", { class: "notice good" }, `Nothing changes: ${events}, the same before and after.`)];
  return [
    element("p", { class: "verdict" }, element("strong", {}, `${number(found.changedEvents)} of ${events}`), found.changedEvents === 1 ? " changes." : " change."),
    element("div", { class: "tables" }, outcomes(found), bill(found.bill)),
    changes(found, openEvent),
  ];
}

function outcomes({ before, after }) {
  const names = [...new Set([...Object.keys(OUTCOMES), ...Object.keys(before), ...Object.keys(after)])];
  const rows = names
    .filter((name) => before[name] || after[name])
    .map((name) => {
      const [was, now] = [before[name] ?? 0, after[name] ?? 0];
      const amount = { before: String(was), after: String(now), difference: String(now - was) };
      return element("tr", {}, element("th", { scope: "row" }, OUTCOMES[name] ?? name), amountCells(amount));
    });
  return table("Events", "Outcome", rows);
}

function bill({ total, customers, customersLeftOut }) {
  const rest = customersLeftOut > 0 && element("p", { class: "help" }, `${count(customersLeftOut, "more customer")} not shown.`);
  return element(
    "div",
    { class: "bill" },
    table("Bill", "All customers", usageRows(total, "Usage events")),
    customers.length > 0 &&
      element(
        "details",
        {},
        element("summary", {}, `${count(customers.length + customersLeftOut, "customer")} with a change`),
        table("Customers", "Customer", customers.flatMap((usage) => usageRows(usage, usage.customer ?? "no customer"))),
        rest,
      ),
  );
}

function usageRows({ events, dimensions }, name) {
  const row = (title, amount, kind) => element("tr", { class: kind }, element("th", { scope: "row" }, title), amountCells(amount));
  return [
    row(name, events, "usage"),
    ...dimensions.flatMap(({ dimension, count: counted, sum }) => [
      row(`${dimension}, count`, counted, "dimension"),
      row(`${dimension}, sum`, sum, "dimension"),
    ]),
  ];
}

function table(caption, first, rows) {
  const head = [first, "Before", "After", "Difference"].map((text, index) =>
    element("th", { scope: "col", class: index ? "number" : null }, text),
  );
  return element(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption), element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows)),
  );
}

/** The changes, a few at a time, and those of one field if the user wants so. */
function changes(found, openEvent) {
  const id = newId("field");
  const list = element("ol", { class: "changes" });
  const more = button("Show more", () => show(list.children.length + AT_ONCE));
  const counted = new Map();
  for (const { changes: fields } of found.changes) for (const { field } of fields) counted.set(field, (counted.get(field) ?? 0) + 1);
  const filter = element(
    "select",
    { id, onchange: () => show(AT_ONCE) },
    element("option", { value: "" }, "all fields"),
    [...counted].map(([field, times]) => element("option", { value: field }, `${field} (${number(times)})`)),
  );
  const left = found.changesLeftOut > 0 && element("p", { class: "help" }, `${number(found.changesLeftOut)} more changes are counted above, but not listed.`);

  function show(most) {
    const wanted = found.changes.filter(({ changes: fields }) => !filter.value || fields.some(({ field }) => field === filter.value));
    const known = list.children.length;
    fill(list, wanted.slice(0, most).map((change) => changeOf(change, filter.value, openEvent)));
    more.hidden = wanted.length <= most;
    // The button may be gone: the reader goes on with what is new.
    if (most > AT_ONCE) list.children[known]?.focus();
  }
  show(AT_ONCE);
  return element(
    "section",
    { "aria-label": "Changes" },
    element("div", { class: "heading" }, element("h3", {}, "Changes"), counted.size > 1 && [element("label", { for: id }, "Show"), filter]),
    list,
    more,
    left,
  );
}

function changeOf({ line, messageId, subscription, changes: fields }, wanted, openEvent) {
  const name = line === null ? "All events" : `Event ${number(line)}`;
  const heading = element(
    "h4",
    {},
    name,
    subscription !== null && element("span", { class: "tag plain" }, subscription),
    messageId !== null && element("code", {}, messageId),
    line !== null && openEvent && button("Open", () => openEvent(line), { class: "quiet", "aria-label": `Open event ${line}` }),
  );
  const rows = fields.filter(({ field }) => !wanted || field === wanted).map(({ field, before, after }) => {
    const [was, now] = markedTexts(inWords(field, before), inWords(field, after));
    return element(
      "div",
      { class: "pair-of" },
      element("code", { class: "field-name" }, field),
      element("div", { class: "was" }, element("span", { class: "for-readers" }, "before: "), was),
      element("div", { class: "now" }, element("span", { class: "for-readers" }, "after: "), now),
    );
  });
  return element("li", { tabindex: "-1" }, heading, rows);
}

/** Return a value as the table above calls it. */
function inWords(field, value) {
  return field === "outcome" ? (value?.replace(/^planned /, "sent ") ?? null) : value;
}

function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

function number(value) {
  return value.toLocaleString("en");
}
