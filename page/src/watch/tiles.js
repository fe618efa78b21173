/** The figures of the moment. */
import { element } from "../elements.js";
import { duration, number, rate } from "../moments.js";

const TILES = [
  { title: "Queued", of: (message) => number(message.queued), note: (message) => message.leased > 0 && `${number(message.leased)} being sent` },
  { title: "Accepted", of: (message) => rate(message.perSecond.accepted), note: () => "a second" },
  { title: "Delivered", of: (message) => rate(message.perSecond.delivered), note: () => "a second" },
  { title: "Latency", of: (message) => (message.latency ? duration(message.latency.p95) : "–"), note: (message) => (message.latency ? "95 of 100 requests" : "no requests here") },
  { title: "Retries", of: (message) => (message.retries === null ? "–" : number(message.retries)), note: (message) => (message.retries === null ? "not known here" : "in the last second") },
  { title: "Dead letters", of: (message) => number(message.dead), note: () => element("a", { href: "#/dead-letters" }, "Look at them"), isBad: (message) => message.dead > 0 },
];

export function createTiles() {
  const shown = TILES.map(({ title }) => {
    const value = element("dd", { class: "value" }, "–");
    const note = element("dd", { class: "note" });
    return { value, note, node: element("div", { class: "tile" }, element("dt", {}, title), value, note), text: "" };
  });
  return {
    node: element("dl", { class: "tiles" }, shown.map(({ node }) => node)),
    update(message) {
      TILES.forEach(({ of, note, isBad }, at) => {
        const tile = shown[at];
        tile.value.textContent = of(message);
        tile.node.classList.toggle("bad", isBad?.(message) ?? false);
        const found = note(message) || "";
        // A link that has the focus stays the same link.
        if (typeof found === "string") tile.note.textContent = found;
        else if (!tile.note.firstElementChild) tile.note.replaceChildren(found);
      });
    },
  };
}
