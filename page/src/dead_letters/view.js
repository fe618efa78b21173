/** Dead letters: their groups, a list, and one that is open to be corrected, replayed or discarded. */
import { ask } from "../dialog.js";
import { button, element, fill } from "../elements.js";
import { alertReader, announce } from "../live_region.js";
import { counted } from "../moments.js";
import { linkTo, TooLongError } from "../share/link.js";
import { discardGroup, discardLetter, replayGroup, replayLetter } from "./changes.js";
import { createGroupsPane } from "./groups_pane.js";
import { createLetterList } from "./letter_list.js";
import { createLetterPane } from "./letter_pane.js";

/** Texts that were edited when another view was shown, by the letter; with the text that each was made of. */
const edited = new Map();

/** Show the view in a container, and return a function that stops it. `rest` may name a letter: `/12`. */
export function show(container, { api, start, rest, showTarget }) {
  showTarget({});
  const summary = element("p", { class: "soft", role: "status" }, "Loading …");
  const notice = element("div", { class: "outcome", tabIndex: -1 });
  const groupsPane = createGroupsPane({ onChoose: choose, onReplay: onReplayGroup, onDiscard: onDiscardGroup });
  const letterList = createLetterList({ onOpen: open, onMore });
  const detail = element("div", { class: "detail" });
  const view = element(
    "div",
    { class: "dead-letters" },
    element("header", { class: "heading" }, element("h2", {}, "Dead letters"), summary, element("div", { class: "actions" }, button("Refresh", () => refresh()))),
    notice,
    element("div", { class: "overview" }, groupsPane.node, letterList.node),
    detail,
  );
  container.append(view);

  let listed = { counts: {}, groups: [], groupsLeftOut: 0, letters: [], next: null };
  let group = null;
  let opened = null;
  let isStopped = false;
  /** True while the notice says why there is no list. */
  let isFailed = false;
  let asked = 0;

  const first = /^\/(\d+)$/.exec(rest)?.[1];
  refresh().then(() => first && open(Number(first)));

  async function refresh() {
    await load(`dead-letters${group ? `?group=${group}` : ""}`);
  }

  /** Load a list. An answer that comes after that of a later question is not shown. */
  async function load(path, earlier = null) {
    asked += 1;
    const own = asked;
    try {
      const answer = await api.get(path);
      if (isStopped || own !== asked) return;
      listed = earlier ? { ...earlier, letters: [...earlier.letters, ...answer.letters], next: answer.next } : answer;
      if (group && !listed.groups.some(({ key }) => key === group)) {
        group = null;
        await refresh();
        return;
      }
      showLists();
      if (isFailed) fill(notice);
      isFailed = false;
    } catch (error) {
      if (isStopped || own !== asked) return;
      view.classList.add("empty");
      summary.textContent = "";
      isFailed = true;
      fill(notice, element("p", { class: error.code === "no_outbox" ? "notice" : "notice error" }, error.message));
    }
  }

  function showLists() {
    const { groups, counts } = listed;
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const chosen = groups.find(({ key }) => key === group);
    summary.textContent = total
      ? `${counted(total, "dead letter")}: ${Object.entries(counts).sort().map(([reason, count]) => `${count} ${reason}`).join(", ")}`
      : "There are no dead letters. Every event was delivered, or waits in the queue.";
    view.classList.toggle("empty", total === 0);
    groupsPane.update(listed, group);
    letterList.update(listed, { open: opened?.id ?? null, title: chosen ? `${counted(chosen.count, "dead letter")} of this group` : "The newest" });
  }

  function choose(chosen) {
    group = chosen?.key ?? null;
    refresh();
  }

  function onMore() {
    load(`dead-letters?before=${listed.next}${group ? `&group=${group}` : ""}`, listed);
  }

  async function open(id) {
    if (!(await mayClose())) return;
    let shown;
    try {
      shown = await api.get(`dead-letters/${id}`);
    } catch (error) {
      if (!isStopped) say(error.message, { isError: true });
      return;
    }
    if (isStopped) return;
    close();
    fill(notice);
    const pane = createLetterPane(shown, {
      onReplay: (event) => changeOne(pane, () => replayLetter(api, shown, event)),
      onTry: (event) => tryEvent(event),
      onDiscard: () => changeOne(pane, () => discardLetter(api, shown)),
      onClose: async () => {
        if (!(await mayClose())) return;
        close();
        letterList.focus(id);
      },
    });
    opened = { id, pane };
    detail.append(pane.node);
    const kept = edited.get(id);
    // By the number alone, it may be a letter of another outbox.
    if (kept?.original === pane.original && !shown.whyNotEdit) pane.edit(kept.text);
    edited.delete(id);
    view.classList.add("is-open");
    // The link in the address leads to this letter; the view stays.
    history.replaceState(null, "", `#/dead-letters/${id}`);
    showLists();
    pane.focus();
    pane.node.scrollIntoView({ block: "nearest" });
  }

  /** Open an event in the view that shows what the mapping of the configuration makes of it. */
  async function tryEvent(event) {
    try {
      const link = await linkTo({ draft: start.draft, event }, []);
      location.hash = new URL(link).hash;
    } catch (error) {
      opened?.pane.showFault(error instanceof TooLongError ? "This event is too long for a link. Copy it, and paste it there." : error.message);
    }
  }

  /** Ask before what was typed is lost. */
  async function mayClose() {
    if (!opened?.pane.isChanged()) return true;
    return ask({ title: "Leave your changes?", text: "The event that you have edited was not replayed.", confirm: "Leave them" });
  }

  function close() {
    if (!opened) return;
    opened.pane.destroy();
    opened = null;
    detail.replaceChildren();
    view.classList.remove("is-open");
    history.replaceState(null, "", "#/dead-letters");
    showLists();
  }

  async function changeOne(pane, change) {
    pane.setBusy(true);
    let answer;
    try {
      answer = await change();
    } catch (error) {
      pane.setBusy(false);
      alertReader(error.message);
      pane.showFault(error.message, error.problems);
      return;
    }
    pane.setBusy(false);
    if (answer === null || isStopped) return;
    const [rejection] = answer.rejections ?? [];
    if (answer.stay?.length) {
      const message = rejection?.problems.length ? answer.message : `${answer.message}${rejection ? ` ${rejection.message}` : ""}`;
      alertReader(message);
      pane.showFault(message, rejection?.problems);
      return;
    }
    // Another letter may be open by now, and edited.
    if (opened?.pane === pane) close();
    await refresh();
    say(answer.message, { isSent: answer.queued > 0 });
  }

  function onReplayGroup(chosen) {
    return changeGroup((onProgress) => replayGroup(api, chosen, { onProgress }));
  }

  function onDiscardGroup(chosen) {
    return changeGroup((onProgress) => discardGroup(api, chosen, { onProgress }));
  }

  async function changeGroup(change) {
    // It may be of this group, and then nothing is left to correct.
    if (!(await mayClose())) return;
    const before = opened;
    let answer;
    try {
      answer = await change((text) => fill(notice, element("p", { class: "notice" }, text)));
    } catch (error) {
      await refresh();
      say(error.message, { isError: true });
      return;
    }
    if (answer === null || isStopped) return;
    if (opened === before) close();
    await refresh();
    say(answer.message, { isSent: answer.queued > 0, stay: answer.stay, rejections: answer.rejections });
  }

  /** Show what happened, and let the keyboard continue from there: the button that was used may be gone. */
  function say(message, { isError = false, isSent = false, stay = [], rejections = [] } = {}) {
    fill(
      notice,
      element(
        "div",
        { class: `notice ${isError ? "error" : stay.length ? "" : "good"}` },
        element("p", {}, message, isSent && [" ", element("a", { href: "#/watch" }, "Watch the delivery")]),
        stay.length > 0 && element("ul", {}, stay.map(({ count, advice }) => element("li", {}, `${counted(count, "dead letter")}: ${advice}`))),
        rejections.length > 0 && element("ul", {}, rejections.slice(0, 5).map(({ count, message: words }) => element("li", {}, `${counted(count, "event")}: ${words}`))),
      ),
    );
    (isError ? alertReader : announce)(message);
    if (!detail.contains(document.activeElement)) notice.focus();
  }

  const askFirst = (leaving) => opened?.pane.isChanged() && leaving.preventDefault();
  window.addEventListener("beforeunload", askFirst);
  return () => {
    window.removeEventListener("beforeunload", askFirst);
    isStopped = true;
    if (opened?.pane.isChanged()) edited.set(opened.id, { original: opened.pane.original, text: opened.pane.text });
    opened?.pane.destroy();
    container.replaceChildren();
  };
}
