/** The groups: dead letters with the same reason and message. One is chosen, and its letters are listed. */
import { button, element, fill } from "../elements.js";
import { counted, dayTime, number } from "../moments.js";

/** The meaning of each reason, in a sentence. */
export const REASONS = {
  unreadable: "The text is not an event.",
  rejected: "The event does not fit the mapping, so nothing was sent.",
  refused: "The destination did not accept the event.",
  exhausted: "It was tried until the time for retries was over.",
};

/**
 * @param {{onChoose: (group: object | null) => void, onReplay: (group: object) => void, onDiscard: (group: object) => void}} options
 */
export function createGroupsPane({ onChoose, onReplay, onDiscard }) {
  const list = element("ul", { class: "groups" });
  const node = element("section", { class: "letter-groups", "aria-labelledby": "groups-heading" }, element("h2", { id: "groups-heading" }, "Why events are dead letters"), list);

  return {
    node,
    update({ groups, groupsLeftOut }, chosen) {
      const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      fill(
        list,
        groups.map((group) => item(group, group.key === chosen)),
        groupsLeftOut > 0 && element("li", { class: "soft" }, `${counted(groupsLeftOut, "more group")} not shown.`),
      );
      if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    },
  };

  function item(group, isChosen) {
    const when = group.count === 1 ? dayTime(group.lastAt) : `${dayTime(group.firstAt)} to ${dayTime(group.lastAt)}`;
    return element(
      "li",
      { class: `card group${isChosen ? " chosen" : ""}` },
      button(
        [
          element("span", { class: "count" }, number(group.count)),
          element("span", { class: "tag bad", title: REASONS[group.reason] }, group.reason),
          element("span", { class: "message" }, group.message),
        ],
        () => onChoose(isChosen ? null : group),
        { class: "choose", "aria-pressed": String(isChosen), data: { key: group.key } },
      ),
      element(
        "div",
        { class: "actions" },
        element("span", { class: "soft" }, when),
        button(group.count === 1 ? "Replay" : "Replay all", () => onReplay(group), { class: "quiet", "aria-label": `Replay ${counted(group.count, "dead letter")}: ${group.message}` }),
        button(group.count === 1 ? "Discard" : "Discard all", () => onDiscard(group), { class: "quiet", "aria-label": `Discard ${counted(group.count, "dead letter")}: ${group.message}` }),
      ),
    );
  }
}
