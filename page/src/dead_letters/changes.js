/** Change dead letters: one with its corrected event, some, or a whole group. Each asks first where it must. */
import { ask } from "../dialog.js";
import { element } from "../elements.js";
import { counted, number } from "../moments.js";

/** Replay one dead letter; `event` is its corrected text, or null. Return the answer, or null if the user did not mean it. */
export async function replayLetter(api, { letter, target }, event) {
  if (letter.isLive && !(await isMeantLive(target))) return null;
  return api.post("dead-letters/replay", event === null ? { ids: [letter.id] } : { id: letter.id, event });
}

/** Delete one dead letter for good. Return the answer, or null. */
export async function discardLetter(api, { letter }) {
  if (!(await isMeantToDelete(1))) return null;
  return api.post("dead-letters/discard", { ids: [letter.id] });
}

/** Replay all that a group held when it was shown. Return what happened, summed up, or null. */
export async function replayGroup(api, group, { onProgress }) {
  // A group may be of several accounts, so any live account counts.
  const { lanes } = await api.get("status");
  const isLive = lanes.some((lane) => lane.isLive);
  const isMeant = await ask({
    title: `Replay ${counted(group.count, "dead letter")}?`,
    text: [
      element("p", {}, group.count === 1 ? "The event is planned and sent again." : `All ${number(group.count)} events are planned and sent again.`),
      isLive && element("p", { class: "notice error" }, "The outbox has live accounts. Events of these bill real customers, and you cannot undo that here."),
    ],
    confirm: `Replay ${number(group.count)}`,
    isDangerous: isLive,
  });
  if (!isMeant) return null;
  const total = { queued: 0, known: 0, gone: 0, stay: new Map(), rejections: [] };
  for await (const answer of inParts(api, "dead-letters/replay", group)) {
    total.queued += answer.queued;
    total.known += answer.known;
    total.gone += answer.gone;
    for (const { count, advice } of answer.stay) total.stay.set(advice, (total.stay.get(advice) ?? 0) + count);
    total.rejections.push(...answer.rejections);
    total.message = answer.message;
    total.parts = (total.parts ?? 0) + 1;
    onProgress(`${counted(total.queued, "event")} sent again …`);
  }
  const stay = [...total.stay].map(([advice, count]) => ({ advice, count }));
  // The server's words are about its last part only.
  const message = total.parts === 1 ? total.message : `${counted(total.queued, "event")} sent again; ${counted(stay.reduce((sum, { count }) => sum + count, 0), "dead letter")} left.`;
  return { ...total, stay, message };
}

/** Delete all that a group held when it was shown. Return what happened, or null. */
export async function discardGroup(api, group, { onProgress }) {
  if (!(await isMeantToDelete(group.count))) return null;
  let discarded = 0;
  for await (const answer of inParts(api, "dead-letters/discard", group)) {
    discarded += answer.discarded;
    onProgress(`${counted(discarded, "dead letter")} discarded …`);
  }
  return { message: `${counted(discarded, "dead letter")} discarded.` };
}

/** A large group takes several requests. Letters that came after it was shown stay. */
async function* inParts(api, path, { key, lastId }) {
  let after = 0;
  while (after !== null) {
    const answer = await api.post(path, { group: key, upTo: lastId, after });
    yield answer;
    after = answer.next;
  }
}

function isMeantLive(target) {
  return ask({
    title: "Replay this dead letter?",
    text: `This sends to ${target}, which bills real customers. You cannot undo it here.`,
    confirm: "Bill real customers",
    isDangerous: true,
  });
}

function isMeantToDelete(count) {
  return ask({
    title: `Discard ${counted(count, "dead letter")}?`,
    text: count === 1
      ? "It is deleted for good, and its event is not billed. You cannot undo this."
      : `All ${number(count)} are deleted for good, and their events are not billed. You cannot undo this.`,
    confirm: count === 1 ? "Discard it" : `Discard ${number(count)}`,
    isDangerous: true,
  });
}
