/** Take files that are dropped anywhere on the page. */

/**
 * Call back with a dropped file until the returned function is called. While one is over the page, `node` says so.
 *
 * @param {HTMLElement} node
 * @param {(file: File) => void} onFile
 */
export function takeDroppedFiles(node, onFile) {
  const isFile = (dragged) => dragged.dataTransfer?.types.includes("Files");
  const listeners = {
    dragover(dragged) {
      if (!isFile(dragged)) return;
      dragged.preventDefault();
      node.classList.add("dropping");
    },
    dragleave(dragged) {
      if (dragged.relatedTarget === null) node.classList.remove("dropping");
    },
    drop(dragged) {
      if (!isFile(dragged)) return;
      // Else the browser leaves the page for the file, or the editor takes it all in as text.
      dragged.preventDefault();
      dragged.stopPropagation();
      node.classList.remove("dropping");
      onFile(dragged.dataTransfer.files[0]);
    },
  };
  for (const [kind, listener] of Object.entries(listeners)) document.addEventListener(kind, listener, { capture: true });
  return () => {
    for (const [kind, listener] of Object.entries(listeners)) document.removeEventListener(kind, listener, { capture: true });
  };
}
