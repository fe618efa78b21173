/**
 * Make elements of the document. Text is set as text only, so no data is ever read as HTML.
 *
 * @typedef {Node | string | number | null | undefined | false} Child  A child that is null or false is left out.
 */

/** Attributes whose value is set as a property, because the attribute would only be the first value. */
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "open", "indeterminate", "tabIndex"]);

/**
 * Return a new element.
 *
 * A function as an attribute listens: `onclick` to `click`. Values of null and false leave the attribute out; true sets it
 * empty. `data` is an object of data attributes.
 *
 * @param {string} tag
 * @param {Object<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (PROPERTIES.has(name)) made[name] = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter(isShown));
  return made;
}

/** Replace all that is in an element. */
export function fill(container, ...children) {
  container.replaceChildren(...children.flat(Infinity).filter(isShown));
  return container;
}

/** Return a button. `type` is set, because the default would submit a form. */
export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

let last = 0;

/** Return an ID that nothing else on the page has, for labels and descriptions. */
export function newId(prefix = "id") {
  last += 1;
  return `${prefix}-${last}`;
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}
