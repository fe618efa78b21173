/** The messages of the live view, which come once a second for as long as somebody watches. */

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 10_000;

/**
 * Read live messages until `stop`. When the stream ends, it is asked for again after a while.
 *
 * @param {object} api
 * @param {{onMessage: (message: object) => void, onState: (state: "connecting" | "live" | "waiting" | "paused", error?: Error) => void}} listener
 */
export function createFeed(api, { onMessage, onState }) {
  let aborting = null;
  let timer = null;
  let wait = FIRST_WAIT;

  async function run() {
    stop();
    const own = new AbortController();
    aborting = own;
    onState("connecting");
    let failure;
    try {
      await api.stream("live", received, { signal: own.signal });
    } catch (error) {
      failure = error;
    }
    if (own.signal.aborted) return;
    onState("waiting", failure);
    timer = setTimeout(run, failure?.retryAfter ? failure.retryAfter * 1000 : wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  function received(message) {
    if (aborting.signal.aborted) return;
    wait = FIRST_WAIT;
    onState("live");
    onMessage(message);
  }

  function stop() {
    aborting?.abort();
    clearTimeout(timer);
  }

  return {
    start: run,
    stop,
    pause() {
      stop();
      onState("paused");
    },
  };
}
