/** Places of problems: `settings.apiKey`, `subscriptions[0].mapping.clientId`, `event`. */

/** Return the problems at a place or within it. */
export function problemsAt(problems, place) {
  return problems.filter((problem) => isWithin(problem.place, place));
}

/** Return whether a place is another one, or within it. */
export function isWithin(place, outer) {
  return place === outer || (place.startsWith(outer) && /^[.[]/.test(place.slice(outer.length)));
}

/** Return the place of a part of a subscription. */
export function subscriptionPlace(index, part = "") {
  return `subscriptions[${index}]${part && `.${part}`}`;
}
