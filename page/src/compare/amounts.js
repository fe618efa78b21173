/** Numbers before and after. They are texts with all their digits, which numbers of JavaScript would round. */
import { element } from "../elements.js";

/** Return a number of any length with commas between thousands. */
export function grouped(text) {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/s.exec(text) ?? [null, "", "", text];
  return `${sign ? "−" : ""}${whole.replaceAll(/\B(?=(\d{3})+$)/g, ",")}${rest}`;
}

/** Return the cells of a row: before, after, and the difference with its sign. */
export function amountCells({ before, after, difference }) {
  const isSame = /^-?0(\.0*)?$/.test(difference);
  const kind = isSame ? "soft" : "differs";
  const sign = isSame || difference.startsWith("-") ? "" : "+";
  return [
    element("td", { class: "number" }, grouped(before)),
    element("td", { class: "number" }, grouped(after)),
    element("td", { class: `number ${kind}` }, isSame ? "no change" : sign + grouped(difference)),
  ];
}
