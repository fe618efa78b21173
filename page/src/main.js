/** Start the page: read what the server knows, then show the view that the address names. */
import * as api from "./api.js";
import { closeDialogs } from "./dialog.js";
import { element, fill } from "./elements.js";
import { announce } from "./live_region.js";
import * as deadLetters from "./dead_letters/view.js";
import * as tryMapping from "./try/view.js";
import * as watch from "./watch/view.js";

/**
 * @typedef {object} Context
 * @property {typeof api} api
 * @property {object} start  the answer of GET /page/api/start
 * @property {(target: {target, environment, isLive}) => void} showTarget  shows in the header where events would go
 * @property {string} rest  what follows the view's name in the fragment, such as "?draft=…"
 */

/** Each view exports `show(container, context)`, which returns a function that stops it. */
const VIEWS = {
  try: { title: "Try a mapping", show: tryMapping.show, isShown: () => true },
  watch: { title: "Watch the delivery", show: watch.show, isShown: (start) => start.canWatch },
  "dead-letters": { title: "Dead letters", show: deadLetters.show, isShown: (start) => start.canWatch },
};

const main = document.getElementById("content");
// Else the browser leaves the page, and all that was typed, for a file that is dropped where no view takes one.
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, refuseFile);
let stop = () => {};

try {
  const start = await api.get("start");
  document.querySelector(".version").textContent = `kable-destination ${start.version}`;
  window.addEventListener("hashchange", () => showView(start));
  showView(start, { isFirst: true });
} catch (error) {
  fill(main, element("p", { class: "notice error", role: "alert" }, error.message));
}

function showView(start, { isFirst = false } = {}) {
  const [, asked, rest] = /^#\/([\w-]+)(.*)$/.exec(location.hash) ?? [null, "try", ""];
  // An address may name what every object has, such as its constructor.
  const name = Object.hasOwn(VIEWS, asked) && VIEWS[asked].isShown(start) ? asked : "try";
  // A link within the page, such as the one that skips to the content, leaves the view as it is.
  if (!isFirst && location.hash && !location.hash.startsWith("#/")) return;
  // A dialog asks about the view that it was opened in.
  closeDialogs();
  stop();
  showNavigation(start, name);
  document.title = `${VIEWS[name].title} · kable-destination`;
  main.replaceChildren();
  stop = VIEWS[name].show(main, { api, start, rest, showTarget }) ?? (() => {});
  if (!isFirst) {
    main.focus({ preventScroll: true });
    announce(VIEWS[name].title);
  }
}

function refuseFile(dragged) {
  if (dragged.defaultPrevented || !dragged.dataTransfer?.types.includes("Files")) return;
  dragged.preventDefault();
  dragged.dataTransfer.dropEffect = "none";
}

function showNavigation(start, current) {
  const links = Object.entries(VIEWS)
    .filter(([, view]) => view.isShown(start))
    .map(([name, view]) =>
      element("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, view.title),
    );
  fill(document.querySelector("nav"), links.length > 1 && links);
}

/** Show where events would go: `target` is null if that is not known. */
function showTarget({ target = null, environment = null, isLive = false }) {
  const shown = document.querySelector(".target");
  shown.hidden = !target;
  shown.classList.toggle("live", isLive);
  fill(shown, isLive && element("strong", {}, environment), ` Sends to ${target}`);
}
