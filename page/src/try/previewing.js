/** Ask for a preview after each change: soon, one at a time, and only the last answer counts. */

/** The first change is previewed at once. Those that follow it this soon, as when a key is held, wait for each other. */
const PAUSE_MS = 40;

/** A longer event is not previewed. */
const MOST_CHARACTERS = 1024 * 1024;

/** After this long without a preview, the server is asked again although it said that it is too busy. */
const RETRY_MS = 1000;

/**
 * @param {object} options
 * @param {typeof import("../api.js")} options.api
 * @param {() => {draft: object, event: string}} options.request
 * @param {(preview: object, milliseconds: number) => void} options.onPreview
 * @param {(error: Error) => void} options.onError
 */
export function createPreviewing({ api, request, onPreview, onError }) {
  let timer = 0;
  let last = -Infinity;
  let running = new AbortController();

  /** Ask again, because something changed. */
  function refresh(pause = performance.now() - last < PAUSE_MS ? PAUSE_MS : 0) {
    last = performance.now();
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  }

  async function ask() {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    const asked = performance.now();
    const body = request();
    // The server takes no more, and breaks off the connection of a client that sends more.
    if (body.event.length > MOST_CHARACTERS) return onError(new Error("The event is longer than 1 MB. No preview takes more."));
    try {
      const preview = await api.post("preview", body, { signal });
      if (!signal.aborted) onPreview(preview, performance.now() - asked);
    } catch (error) {
      if (signal.aborted) return undefined;
      onError(error);
      if (error.status === 429 || error.code === "unreachable") refresh((error.retryAfter ?? 0) * 1000 || RETRY_MS);
    }
    return undefined;
  }

  return {
    refresh,
    stop() {
      clearTimeout(timer);
      running.abort();
    },
  };
}
