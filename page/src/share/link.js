/** A link to what is on the page: the draft and the event, compressed in the fragment, which no server is sent. */

/** Programs that links are sent with cut longer ones off. */
const MOST_CHARACTERS = 32_000;
/** A few bytes can unpack to gigabytes. */
const MOST_UNPACKED = 4 * 1024 * 1024;
const MOST_SUBSCRIPTIONS = 200;
/** A mapping has at most 64 levels. To write a value as text takes a level of the stack for each of its own. */
const MOST_LEVELS = 100;
const VERSION = 1;

/** The link is too long. Without the event it may be short enough. */
export class TooLongError extends Error {}

/**
 * Return the address of a draft and an event. It holds no secret. Throws TooLongError, and an Error if a secret is where it
 * does not belong.
 *
 * @param {{draft: object, event: string | null}} state
 * @param {string[]} secretKeys  the settings that are secrets
 */
export async function linkTo({ draft, event }, secretKeys) {
  const { destination, account = null, settings, subscriptions, secrets = {} } = draft;
  const open = Object.fromEntries(Object.entries(settings).filter(([key]) => !secretKeys.includes(key)));
  const text = JSON.stringify({ version: VERSION, draft: { destination, account, settings: open, subscriptions }, event });
  for (const [key, value] of Object.entries(secrets)) {
    if (value && writtenForms(value).some((form) => text.includes(form))) {
      throw new Error(`The link would hold your secret “${key}”: its text is also in the draft or the event. Remove it there.`);
    }
  }
  const link = `${location.origin}${location.pathname}#/try/${await packedText(text)}`;
  if (link.length > MOST_CHARACTERS) {
    throw new TooLongError(`The link would have ${link.length.toLocaleString("en")} characters, and many programs cut such links off.`);
  }
  return link;
}

/**
 * Return what a link holds, or null if the rest of an address is not a link. Throws an Error with a message for the reader.
 * The link may come from anybody: only what a draft consists of is taken, and nothing of it is done.
 *
 * @param {string} rest  what follows `#/try`
 * @returns {Promise<{draft: object, event: string | null} | null>}
 */
export async function readLink(rest) {
  const packed = rest.replace(/^\//, "");
  if (!packed) return null;
  if (packed.length > MOST_CHARACTERS) throw broken("it is too long");
  if (!/^[\w-]+$/.test(packed)) throw broken("it has characters that no link has");
  let found;
  try {
    found = JSON.parse(await unpackedText(packed));
  } catch (error) {
    throw error instanceof TooLongError ? broken("it unpacks to more than 4 MB") : broken("a part may be missing");
  }
  if (isDeeper(found, MOST_LEVELS)) throw broken("it is nested too deeply");
  if (found?.version !== VERSION) throw broken("it is from another version of the page");
  return { draft: checkedDraft(found.draft), event: typeof found.event === "string" ? found.event : null };
}

function checkedDraft(draft) {
  const { destination, account = null, settings = {}, subscriptions = null } = isObject(draft) ? draft : {};
  const isFine =
    typeof destination === "string" &&
    (account === null || typeof account === "string") &&
    isObject(settings) &&
    (subscriptions === null ||
      (Array.isArray(subscriptions) && subscriptions.length <= MOST_SUBSCRIPTIONS && subscriptions.every(isObject)));
  if (!isFine) throw broken("it holds no draft");
  return { destination, account, settings, secrets: {}, subscriptions: subscriptions?.map(checkedSubscription) ?? null };
}

function checkedSubscription({ name, partnerAction, subscribe, mapping, enabled }) {
  return {
    name: typeof name === "string" ? name : "",
    partnerAction: typeof partnerAction === "string" ? partnerAction : "",
    subscribe: typeof subscribe === "string" ? subscribe : "",
    mapping: isObject(mapping) ? mapping : {},
    enabled: enabled !== false,
  };
}

function isDeeper(value, most) {
  let level = [value];
  for (let depth = 0; level.length; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Return a text as it is within JSON, and within JSON that is a text of JSON, as the event is. */
function writtenForms(value) {
  const once = JSON.stringify(value).slice(1, -1);
  return [once, JSON.stringify(once).slice(1, -1)];
}

function broken(reason) {
  return new Error(`This link cannot be read: ${reason}. Ask for it again.`);
}

async function packedText(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpackedText(packed) {
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > MOST_UNPACKED) {
      await reader.cancel();
      throw new TooLongError();
    }
  }
}
