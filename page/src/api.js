/** The API of the page: JSON in and out, errors as one class, and the token asked for when it is needed. */
import { askForToken, forgetToken, token } from "./token.js";

/** No form and no link of another site can send this header, so the server knows that the page asks. */
const MARK = { "X-Kable-Page": "1" };

/**
 * A request that the server refused, or that did not reach it (`code` is then `unreachable`).
 *
 * @property {string} code
 * @property {number} status  0 without an answer
 * @property {{place: string, message: string, line?: number, column?: number}[]} problems
 * @property {number | null} retryAfter  in seconds
 */
export class ApiError extends Error {
  constructor({ code, message, problems = [], status = 0, retryAfter = null }) {
    super(message);
    Object.assign(this, { code, status, problems, retryAfter });
  }
}

/** Return the answer to a GET of `/page/api/…`. */
export function get(path, { signal } = {}) {
  return answer(path, { signal });
}

/** Return the answer to a POST. An abort by the signal is a DOMException named AbortError, as with fetch. */
export function post(path, body, { signal } = {}) {
  return answer(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

/**
 * Read server-sent events until the signal aborts or the server ends them. (EventSource could not send the token.)
 *
 * @param {string} path
 * @param {(data: any) => void} onEvent
 * @param {{signal?: AbortSignal}} [options]
 */
export async function stream(path, onEvent, { signal } = {}) {
  const response = await request(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (waiting + value).replaceAll("\r\n", "\n").split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const lines = event.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) onEvent(JSON.parse(lines.map((line) => line.slice(5).trimStart()).join("\n")));
    }
  }
}

async function answer(path, options) {
  const response = await request(path, options);
  return response.json();
}

/** The token of the last request that was let through. */
let worked = null;

async function request(path, options) {
  const sent = token();
  let response;
  try {
    response = await fetch(`/page/api/${path}`, { ...options, headers: { ...options.headers, ...MARK, ...authorization() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ code: "unreachable", message: "The server does not answer. Check that it still runs." });
  }
  if (response.ok) {
    worked = sent;
    return response;
  }
  const refusal = await response.json().catch(() => ({}));
  // After too many guesses, the server does not say whether this token is right. One that has worked is.
  const isRefused = response.status === 401 || (refusal.code === "too_many_guesses" && worked !== sent);
  if (isRefused) forgetToken(sent);
  // Another request was refused, too, and the user has given the token meanwhile.
  if (isRefused && token() !== null) return request(path, options);
  if (isRefused && (await askForToken(refusal.message ?? "This page needs a token."))) {
    return request(path, options);
  }
  throw new ApiError({
    code: refusal.code ?? "unknown",
    message: refusal.message ?? `The server answered ${response.status}.`,
    problems: refusal.problems ?? [],
    status: response.status,
    retryAfter: Number(response.headers.get("Retry-After")) || null,
  });
}

function authorization() {
  const known = token();
  return known ? { Authorization: `Bearer ${known}` } : {};
}
