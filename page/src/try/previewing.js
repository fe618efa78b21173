/**
 * Ask for a preview after each change, at once and one at a time.
 *
 * After a change meanwhile, it asks again as soon as the answer is there. So the result also follows a key that is held,
 * and connections are used again. A request that takes long is aborted instead: its answer would be about something old.
 */

/** A longer event is not previewed. */
export const MOST_CHARACTERS = 1024 * 1024;
export const TOO_LONG = "The event is longer than 1 MB. No preview takes more.";

/** An answer that takes longer than this is no longer waited for if something changes. */
const PATIENCE_MS = 500;

/** After this long without a preview, the server is asked again although it said that it is too busy. */
const RETRY_MS = 1000;

/**
 * @param {object} options
 * @param {typeof import("../api.js")} options.api
 * @param {() => {draft: object, event: string}} options.request
 * @param {(preview: object) => void} options.onPreview
 * @param {(error: Error) => void} options.onError
 */
export function createPreviewing({ api, request, onPreview, onError }) {
  let timer = 0;
  /** @type {{controller: AbortController, since: number} | null} */
  let running = null;
  let isChanged = false;
  let isStopped = false;

  /** Ask again, because something changed. */
  function refresh() {
    if (!running) return askIn(0);
    isChanged = true;
    if (performance.now() - running.since > PATIENCE_MS) running.controller.abort();
    return undefined;
  }

  /** Several changes of one moment, such as those of a link, make one request. */
  function askIn(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(ask, milliseconds);
  }

  async function ask() {
    const body = request();
    // The server takes no more, and breaks off the connection of a client that sends more.
    if (body.event.length > MOST_CHARACTERS) return onError(new Error(TOO_LONG));
    const controller = new AbortController();
    running = { controller, since: performance.now() };
    isChanged = false;
    let pause = null;
    try {
      const preview = await api.post("preview", body, { signal: controller.signal });
      if (!isStopped) onPreview(preview);
    } catch (error) {
      if (!isStopped && error.name !== "AbortError") onError(error);
      if (error.status === 429 || error.code === "unreachable") pause = (error.retryAfter ?? 0) * 1000 || RETRY_MS;
    }
    running = null;
    if (isStopped) return undefined;
    if (pause !== null) askIn(pause);
    else if (isChanged) askIn(0);
    return undefined;
  }

  return {
    refresh,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      running?.controller.abort();
    },
  };
}
