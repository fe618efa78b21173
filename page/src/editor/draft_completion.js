/** What may be written at a place of a draft: keys, directives, paths of the event, triggers. */
import { DIRECTIVES, OPTIONS } from "./directives.js";
import { keysOf } from "./outline.js";

/**
 * The completions at a place.
 *
 * @typedef {object} Offer
 * @property {string} text  the key, or the text of a value
 * @property {any} [value]  the value, if it is not a text; `▮` in it is where the cursor goes
 * @property {string} [table]  the line that begins it in TOML
 * @property {string} [detail]
 * @property {string} [info]
 */

/**
 * Return what may be written at the end of a text of a draft.
 *
 * @param {import("./outline.js").Open} open
 * @param {object} known
 * @param {object} known.destination  its definition, from GET start
 * @param {(index: string) => string | null} known.actionOf  the key of the action of a subscription
 * @param {string[]} known.paths  the paths of the present event
 * @param {string[]} known.destinations  the names of all
 * @param {boolean} known.hasTables  the text is at a line of TOML on which a table may begin
 * @returns {Offer[]}
 */
export function offersAt(open, known) {
  const keys = keysOf(open.pointer);
  if (open.expects === "key") return [...keysAt(keys, known), ...(known.hasTables && keys.length ? TABLES : [])];
  if (open.expects === "value") return valuesAt(open.key === null ? keys : [...keys, open.key], known);
  return [];
}

function keysAt(keys, { destination, actionOf }) {
  const [section, second, third, ...rest] = keys;
  if (section === undefined) return SECTIONS;
  if (section === "settings" && second === undefined) {
    return destination.settings.filter(({ isSecret }) => !isSecret).map(fieldOffer);
  }
  if (section !== "subscriptions" || second === undefined) return [];
  if (third === undefined) return SUBSCRIPTION;
  if (third !== "mapping") return [];
  const last = rest.at(-1);
  if (Object.hasOwn(OPTIONS, last)) return Object.keys(OPTIONS[last]).map((text) => ({ text, detail: `of ${last}` }));
  const field = actionFields(destination, actionOf(second));
  if (!rest.length) return field.map(fieldOffer);
  const inner = rest.reduce((fields, key) => fields.find((each) => each.key === key)?.properties ?? [], field);
  return [...DIRECTIVE_KEYS, ...inner.map(fieldOffer)];
}

function valuesAt(keys, { destination, actionOf, paths, destinations }) {
  const [section, second, third, ...rest] = keys;
  const last = keys.at(-1);
  if (keys.length === 1 && section === "destination") return destinations.map((text) => ({ text }));
  if (section === "settings") return choicesOf(destination.settings.find(({ key }) => key === second));
  if (section !== "subscriptions") return [];
  const { actions } = destination;
  if (third === "partnerAction") return actions.map(({ key, title }) => ({ text: key, detail: title }));
  if (third === "subscribe") return triggers(destination);
  if (third === "enabled") return [true, false].map((value) => ({ text: String(value), value }));
  if (third !== "mapping" || !rest.length) return [];
  if (last === "@path" || last === "@arrayPath" || keys.at(-2) === "@arrayPath") return paths.map((text) => ({ text, detail: "event" }));
  if (last === "@template" || last === "@liquid") return paths.map((path) => ({ text: `{{${path.replace(/^\$\./, "")}}}`, detail: "event" }));
  const words = wordsOf(keys.at(-2), last);
  if (words.length) return words.map((value) => ({ text: String(value), value }));
  const field = actionFields(destination, actionOf(second)).find(({ key }) => key === rest[0]);
  return [...(rest.length === 1 ? choicesOf(field) : []), ...DIRECTIVE_VALUES];
}

/** Keys come from the text, and may be those that every object of JavaScript has. */
function wordsOf(directive, option) {
  if (!Object.hasOwn(OPTIONS, directive) || !Object.hasOwn(OPTIONS[directive], option)) return [];
  return OPTIONS[directive][option];
}

function actionFields({ actions }, key) {
  return actions.find((action) => action.key === key)?.fields ?? actions.flatMap(({ fields }) => fields);
}

function fieldOffer({ key, label, description, required }) {
  return { text: key, detail: required ? `${label}, required` : label, info: description };
}

function choicesOf(field) {
  if (field?.type === "boolean") return [true, false].map((value) => ({ text: String(value), value }));
  return (field?.choices ?? []).map(({ value, label }) => ({ text: String(value), value, detail: label }));
}

function triggers({ actions, presets }) {
  const texts = [...presets.map(({ subscribe }) => subscribe), ...actions.map(({ defaultSubscription }) => defaultSubscription)];
  return [...new Set(texts)].filter(Boolean).map((text) => ({ text, detail: "trigger" }));
}

const SECTIONS = [
  { text: "destination", detail: "the name of the destination" },
  { text: "settings", detail: "settings, without secrets", value: {}, table: "[settings]" },
  { text: "subscriptions", detail: "which events go to which action", value: [{}], table: "[[subscriptions]]" },
];
/** Tables may begin on any line, whatever table that line is in. */
const TABLES = SECTIONS.filter(({ table }) => table);
const SUBSCRIPTION = [
  { text: "name", detail: "what reports call it" },
  { text: "partnerAction", detail: "the key of the action" },
  { text: "subscribe", detail: "the trigger: which events" },
  { text: "mapping", detail: "the value of each field", value: {}, table: "[subscriptions.mapping]" },
  { text: "enabled", detail: "whether it applies" },
];
const DIRECTIVE_KEYS = DIRECTIVES.map(({ name, about, value }) => ({ text: name, detail: about, value }));
const DIRECTIVE_VALUES = DIRECTIVES.map(({ name, about, value }) => ({ text: name, detail: about, value: { [name]: value }, isDirective: true }));
