/** The text of the event, in one place for the editor, the dropped file and the preview. */

export function createEventText(initial = "") {
  let text = initial;
  const listeners = new Set();
  return {
    get text() {
      return text;
    },
    setText(next, origin = null) {
      if (next === text) return;
      text = next;
      for (const listener of [...listeners]) listener(text, origin);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
