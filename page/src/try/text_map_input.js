/** Names and their new names, one pair on each line of inputs. */
import { button, element, fill } from "../elements.js";

/** Return `{input, node}` for an object whose values are texts. A text in the short form `a : b, c : d` is read, too. */
export function createTextMapInput(value, onChange, { placeholder = "" } = {}) {
  const [exampleFrom = "", exampleTo = ""] = (placeholder || "").split(",")[0].split(":").map((part) => part.trim());
  const pairs = pairsOf(value);
  const rows = element("div", { class: "pairs" });
  const add = button("Add a name", () => {
    pairs.push(["", ""]);
    show();
    rows.lastElementChild.querySelector("input").focus();
  });
  const node = element("div", { class: "text-map" }, rows, add);

  function changed() {
    const kept = pairs.filter(([from, to]) => from || to);
    const names = kept.map(([from]) => from);
    const twice = names.find((from, at) => names.indexOf(from) < at);
    if (twice !== undefined) return onChange(undefined, `The name “${twice}” is there twice. The last valid value is used.`);
    return onChange(kept.length ? Object.fromEntries(kept) : undefined);
  }

  function show() {
    fill(
      rows,
      pairs.map((pair, at) => element(
        "div",
        { class: "pair" },
        input(pair, 0, `Name ${at + 1}`, exampleFrom),
        element("span", { "aria-hidden": "true" }, "→"),
        input(pair, 1, `New name ${at + 1}`, exampleTo),
        button("×", () => {
          pairs.splice(at, 1);
          show();
          changed();
          add.focus();
        }, { class: "quiet", "aria-label": `Remove name ${at + 1}` }),
      )),
    );
  }

  function input(pair, side, label, example) {
    const made = element("input", {
      type: "text", value: pair[side], "aria-label": label, placeholder: example || null, spellcheck: "false", autocomplete: "off",
      oninput: () => {
        pair[side] = made.value;
        changed();
      },
    });
    return made;
  }

  show();
  return { input: node, node };
}

function pairsOf(value) {
  if (typeof value === "string") return value.split(",").filter((part) => part.trim()).map(pairOf);
  return Object.entries(value ?? {}).map(([from, to]) => [from, String(to)]);
}

function pairOf(part) {
  const [from, ...to] = part.split(":");
  return [from.trim(), to.join(":").trim()];
}
