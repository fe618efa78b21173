/** Links values of payloads and places of the event: pointing at one marks the other. */

/** @param {ReturnType<typeof import("../editor/event_editor.js").createEventEditor>} editor */
export function createSources(editor) {
  /** @type {Map<HTMLElement, string[]>} */
  const rows = new Map();
  let marked = null;
  let pointedAt = null;

  editor.onPointer((pointer) => {
    pointedAt = pointer;
    for (const [row, pointers] of rows) markRow(row, pointers);
  });

  function markRow(row, pointers) {
    row.classList.toggle("linked", pointedAt !== null && pointers.some((each) => overlap(each, pointedAt)));
  }

  return {
    /** Mark the sources of a row while the mouse or the focus is on it. */
    link(row, pointers) {
      if (!pointers.length) return;
      rows.set(row, pointers);
      markRow(row, pointers);
      const mark = () => {
        marked = row;
        editor.highlight(pointers);
      };
      const unmark = () => {
        marked = null;
        editor.highlight([]);
      };
      row.addEventListener("mouseenter", mark);
      row.addEventListener("mouseleave", unmark);
      row.addEventListener("focusin", mark);
      row.addEventListener("focusout", unmark);
    },
    /** Mark the sources in the event, and bring the event into view. */
    show(pointers) {
      editor.highlight(pointers);
      editor.host.scrollIntoView({ block: "nearest" });
    },
    /** Forget the rows that are not shown any longer. */
    forgetRemoved() {
      for (const row of rows.keys()) if (!row.isConnected) rows.delete(row);
      // The mouse never leaves a row that is taken away under it.
      if (marked && !marked.isConnected) {
        marked = null;
        editor.highlight([]);
      }
    },
  };
}

/** Return whether one pointer is the other, or within it. The empty pointer is the whole event: it would mark every row. */
function overlap(source, pointer) {
  if (pointer === "") return false;
  return source === pointer || source.startsWith(`${pointer}/`) || pointer.startsWith(`${source}/`) || source === "";
}
