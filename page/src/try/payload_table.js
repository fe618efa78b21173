/** The payload of a subscription: each field, its value, and where the value came from. */
import { button, element, newId } from "../elements.js";
import { indented } from "./json_text.js";
import { problemsAt } from "./places.js";

const TITLES = ["Field", "Value", "Source"];

/**
 * Return the table.
 *
 * @param {object} subscription  of the preview
 * @param {object} sources  links values and the event: `./sources.js`
 */
export function payloadTable(subscription, sources) {
  return element(
    "div",
    { class: "wide" },
    element(
      "table",
      // The roles stay when the rows are laid out as blocks on a narrow screen.
      { class: "payload", role: "table" },
      element("caption", { class: "for-readers" }, `Payload of ${subscription.name}`),
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, TITLES.map((title) => element("th", { scope: "col", role: "columnheader" }, title)))),
      element("tbody", { role: "rowgroup" }, subscription.fields.map((field) => row(field, subscription.problems, sources))),
    ),
  );
}

function row(field, problems, sources) {
  const found = problemsAt(problems.map(({ field: place, message }) => ({ place, message })), field.key);
  const id = newId("value");
  const made = element(
    "tr",
    { class: found.length ? "wrong" : null, role: "row" },
    element("th", { scope: "row", role: "rowheader" }, field.label, field.label !== field.key && element("code", {}, field.key)),
    element(
      "td",
      { role: "cell" },
      value(field),
      found.map(({ message }) => element("p", { class: "problem", id }, message)),
    ),
    element("td", { role: "cell" }, source(field, sources)),
  );
  sources.link(made, field.paths);
  return made;
}

function value(field) {
  if (field.isSent) {
    const isChanged = field.mapped !== null && field.mapped !== field.sent;
    return [
      element("pre", { class: "value" }, indented(field.sent)),
      isChanged && element("p", { class: "help" }, `Mapped as ${shortened(field.mapped)}`),
    ];
  }
  return element("span", { class: "soft" }, field.mapped === null ? "no value, left out" : `${shortened(field.mapped)}, not sent`);
}

function source(field, sources) {
  // Text between backquotes is code.
  const parts = field.mapping.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));
  return [
    field.paths.length
      ? button(parts, () => sources.show(field.paths), { class: "quiet source", title: "Show in the event" })
      : element("span", { class: "source" }, parts),
    element("p", { class: "help" }, field.origin, field.renamedBy && `, renamed by ${field.renamedBy}`),
  ];
}

function shortened(text) {
  const line = text.replace(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
