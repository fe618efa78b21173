/** Say something to readers of the screen: results politely, errors at once. */

/** Say a result, when the reader is done with what it says now. */
export function announce(text) {
  say("live", text);
}

/** Say an error at once. */
export function alertReader(text) {
  say("alert", text);
}

function say(id, text) {
  const region = document.getElementById(id);
  // The same text again would not be read: a space that does not break makes it another.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
