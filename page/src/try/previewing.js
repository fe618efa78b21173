/** Ask for a preview after each change: soon, one at a time, and only the last answer counts. */

/** A key that is held, or a fast typist, makes one request of several letters. */
const PAUSE_MS = 15;

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
  let running = new AbortController();

  /** Ask again, because something changed. */
  function refresh(pause = PAUSE_MS) {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  }

  async function ask() {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    const asked = performance.now();
    try {
      const preview = await api.post("preview", request(), { signal });
      if (!signal.aborted) onPreview(preview, performance.now() - asked);
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      if (error.status === 429 || error.code === "unreachable") refresh((error.retryAfter ?? 0) * 1000 || RETRY_MS);
    }
  }

  return {
    refresh,
    stop() {
      clearTimeout(timer);
      running.abort();
    },
  };
}
