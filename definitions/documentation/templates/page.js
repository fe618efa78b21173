(() => {
  const box = document.getElementById("find-box");
  const told = document.getElementById("find-count");
  const fields = [...document.querySelectorAll("[data-field]")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const texts = fields.map((field) => field.textContent.toLowerCase());
  box.closest("form").hidden = false;
  box.closest("form").addEventListener("submit", (submitted) => submitted.preventDefault());
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = texts.map((text) => words.every((word) => text.includes(word)));
    fields.forEach((field, index) => { field.hidden = !found[index]; });
    groups.forEach((group) => {
      group.hidden = words.length > 0 && !group.querySelector("[data-field]:not([hidden])");
    });
    document.body.classList.toggle("finding", words.length > 0);
    const count = found.filter(Boolean).length;
    told.textContent = words.length ? `${count} of ${fields.length} fields` : "";
  });
  const show = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named || !named.closest("[hidden], .finding")) return;
    box.value = "";
    box.dispatchEvent(new Event("input"));
    named.scrollIntoView();
  };
  window.addEventListener("hashchange", show);
})();
