/** The request that would go out, as JSON, HTTP and curl. */
import { button, element, fill } from "../elements.js";
import { createTabs } from "../tabs.js";

/** The form that the user looked at last is shown for every request. */
let selected = "json";

/** A longer text is not laid out with every key that is pressed, but only when it is asked for. */
const MOST_CHARACTERS = 6_000;

/** Return the tabs of a subscription of the preview. */
export function requestTabs({ name, request, http, curl }) {
  return createTabs({
    label: `Request of ${name}`,
    selected,
    onSelect: (key) => { selected = key; },
    tabs: [
      { key: "json", title: "JSON", show: (panel) => panel.append(line(request), code(request.body)) },
      { key: "http", title: "HTTP", show: (panel) => panel.append(code(http)) },
      { key: "curl", title: "curl", show: (panel) => panel.append(code(curl)) },
    ],
  }).node;
}

function line({ method, url }) {
  return element("p", { class: "request-line" }, element("strong", {}, method), " ", element("code", {}, url));
}

/** Return a text that scrolls; the tab index lets the keyboard reach it. */
function code(text) {
  const shown = element("pre", { tabIndex: 0, class: "request", role: "region", "aria-label": "Request" });
  if (text.length <= MOST_CHARACTERS) return fill(shown, text);
  const showAll = button(`Show all ${text.length.toLocaleString("en")} characters`, () => {
    fill(shown, text);
    shown.focus();
  }, { class: "quiet" });
  return fill(shown, `${text.slice(0, MOST_CHARACTERS)}…\n`, showAll);
}
