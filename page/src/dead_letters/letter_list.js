/** The list of dead letters, the newest first: of one group, or of all. */
import { button, element, fill } from "../elements.js";
import { dayTime } from "../moments.js";

/**
 * @param {{onOpen: (id: number) => void, onMore: () => void}} options
 */
export function createLetterList({ onOpen, onMore }) {
  const heading = element("h2", { id: "letters-heading" }, "Dead letters");
  const list = element("ul", { class: "letters" });
  const more = button("Show older", onMore, { hidden: true });
  const node = element("section", { class: "letter-list", "aria-labelledby": "letters-heading" }, heading, list, more);

  return {
    node,
    update({ letters, next }, { open, title }) {
      heading.textContent = title;
      const isAtMore = document.activeElement === more;
      more.hidden = next === null;
      const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
      fill(list, letters.map((letter) => item(letter, letter.id === open)));
      if (isAtMore && more.hidden) list.lastElementChild?.querySelector("button").focus();
      if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    },
    focus(id) {
      (list.querySelector(`[data-id="${id}"]`) ?? list.querySelector("button"))?.focus();
    },
  };

  function item(letter, isOpen) {
    const where = `${letter.source}, ${letter.line}${letter.item ? `, item ${letter.item}` : ""}`;
    return element(
      "li",
      {},
      button(
        [
          element("span", { class: "number" }, `#${letter.id}`),
          element("span", { class: "when" }, dayTime(letter.at)),
          element("span", { class: "what" }, letter.subscription ?? letter.action ?? "no subscription"),
          letter.isLive && element("span", { class: "tag bad" }, letter.environment),
          element("span", { class: "where soft" }, where),
        ],
        () => onOpen(letter.id),
        { class: "open", "aria-current": isOpen ? "true" : null, data: { id: letter.id } },
      ),
    );
  }
}
