/** The request that would go out, as JSON, HTTP and curl. */
import { element } from "../elements.js";
import { createTabs } from "../tabs.js";

/** The form that the user looked at last is shown for every request. */
let selected = "json";

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

/** Text that scrolls must be reachable by keyboard, hence the tab index. */
function code(text) {
  return element("pre", { tabIndex: 0, class: "request", role: "region", "aria-label": "Request" }, text);
}
