import { element } from "../elements.js";

/** Show the view in a container, and return a function that stops it. */
export function show(container) {
  container.append(element("p", {}, "Loading …"));
  return () => container.replaceChildren();
}
