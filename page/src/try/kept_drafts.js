/** What the user has made of a draft is not lost: it stays while another destination is shown, and a reload asks first. */

/** Return the draft to show for a destination: the one that it was left with, or a first one. */
export function draftFor(session, name) {
  const { start, store } = session;
  session.left ??= new Map();
  session.left.set(store.draft.destination, store.draft);
  // The settings and subscriptions of one destination say nothing to another.
  const first = name === start.draft.destination ? start.draft : { destination: name, account: null, settings: {}, secrets: {}, subscriptions: null };
  return session.left.get(name) ?? first;
}

/** Note that the present draft can be had again: it was copied, or a link holds it. */
export function markKept(session) {
  session.kept = session.store.draft;
}

/** Return whether the present draft can be had again, or nothing of it was made here. */
export function isKept({ store, start, kept }) {
  const { draft } = store;
  if (draft === start.draft || draft === kept) return true;
  return draft.subscriptions === null && [draft.settings, draft.secrets ?? {}].every((part) => Object.keys(part).length === 0);
}

/** Let the browser ask before a draft is lost with the page. */
export function askBeforeLoss(session) {
  window.addEventListener("beforeunload", (leaving) => isKept(session) || leaving.preventDefault());
}
