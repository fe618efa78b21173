/**
 * The draft that the user edits, in one place for all that show it.
 *
 * @typedef {object} DraftSubscription
 * @property {string} name
 * @property {string} partnerAction
 * @property {string} subscribe
 * @property {Object<string, any>} mapping
 * @property {boolean} enabled
 *
 * @typedef {object} Draft
 * @property {string} destination
 * @property {string | null} [account]
 * @property {Object<string, any>} settings  without secrets
 * @property {Object<string, string>} [secrets]  typed by the user: in memory only, never in a link or in storage
 * @property {DraftSubscription[] | null} subscriptions  null: the presets of the destination
 */

/**
 * Return a store. A draft in it is replaced and never changed in place, so a draft that was read stays as it was.
 *
 * @param {Draft} initial
 */
export function createDraftStore(initial) {
  let draft = initial;
  const listeners = new Set();
  return {
    /** @returns {Draft} */
    get draft() {
      return draft;
    },
    /** Replace the draft. `origin` is who did it, and need not show its own change again. */
    set(next, origin = null) {
      draft = next;
      for (const listener of [...listeners]) listener(draft, origin);
    },
    /** Call back after each change. Returns a function that ends this. */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Return the definition of the destination of a draft. */
export function destinationOf(draft, start) {
  return start.destinations.find((each) => each.name === draft.destination) ?? start.destinations[0];
}

/** Return the account of a draft, or null: only the destination of the configuration has accounts. */
export function accountOf(draft, start) {
  if (draft.destination !== start.draft.destination) return null;
  return start.accounts.includes(draft.account) ? draft.account : start.draft.account;
}

/** Return whether the server has a secret for the account of a draft. */
export function isSecretSet(key, draft, start) {
  return start.accountSettings[accountOf(draft, start)]?.secrets.includes(key) ?? false;
}

/** Return the draft for another account, with the settings of that one: secrets and IDs of two accounts must not mix. */
export function withAccount(draft, account, start) {
  return { ...draft, account, settings: start.accountSettings[account].settings, secrets: {} };
}

/** Return the subscriptions of a draft; the automatic presets if it has none of its own. */
export function subscriptionsOf(draft, destination) {
  return draft.subscriptions ?? destination.presets.filter(({ isAutomatic }) => isAutomatic).map(presetSubscription);
}

/** Return a preset as a subscription that can be edited. */
export function presetSubscription({ name, partnerAction, subscribe, mapping }) {
  return { name, partnerAction, subscribe, mapping: mapping ?? {}, enabled: true };
}

/** Return the draft with one subscription changed. The presets become the draft's own with the first change. */
export function withSubscription(draft, destination, index, changes) {
  const subscriptions = subscriptionsOf(draft, destination).map((each, at) => (at === index ? { ...each, ...changes } : each));
  return { ...draft, subscriptions };
}

/** Return the value of a key; undefined if there is none. Keys may have names that every object has, such as `constructor`. */
export function valueOf(values, key) {
  return Object.hasOwn(values ?? {}, key) ? values[key] : undefined;
}

/** Return the draft with one setting; undefined leaves it out. */
export function withSetting(draft, key, value, { isSecret = false } = {}) {
  const part = isSecret ? "secrets" : "settings";
  const { [key]: _, ...others } = draft[part] ?? {};
  return { ...draft, [part]: value === undefined ? others : { ...others, [key]: value } };
}
