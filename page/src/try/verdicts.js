/** The verdict of a subscription about an event: a word or two, and a kind of tag. */

/** Return the verdict of a subscription of the preview. */
export function verdictOf({ matches, problems, request }) {
  if (!matches) return { text: "no match", kind: "plain" };
  return problems.length || !request ? { text: "rejected", kind: "bad" } : { text: "sends", kind: "good" };
}

/** Return the verdicts of a preview by the places of the subscriptions in the draft. */
export function verdictsOf({ subscriptions, problems }) {
  const verdicts = new Map(subscriptions.map((each) => [each.index, verdictOf(each)]));
  for (const { place } of problems) {
    const [, index] = /^subscriptions\[(\d+)\]/.exec(place) ?? [];
    if (index !== undefined && !verdicts.has(Number(index))) verdicts.set(Number(index), { text: "invalid", kind: "bad" });
  }
  return verdicts;
}
