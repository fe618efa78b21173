/** Sample events, by call type and by the titles of the destination's examples. They are asked for once. */

let asked = null;

/** @returns {Promise<Object<string, object>>} */
export function sampleEvents(api) {
  asked ??= api.get("samples").catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** Return the text of the event that the page begins with. */
export async function firstEventText(api) {
  const samples = await sampleEvents(api);
  return eventText(samples.track ?? Object.values(samples)[0] ?? {});
}

/** Return a sample as text. */
export function eventText(event) {
  return JSON.stringify(event, null, 2);
}
