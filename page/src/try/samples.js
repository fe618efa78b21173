/** Events to begin with: one of each call type, and those of the destination. */
import { element, newId } from "../elements.js";
import { alertReader } from "../live_region.js";

/**
 * Return a menu of samples. They are asked for when the menu is first used.
 *
 * @param {{get: (path: string) => Promise<any>}} api
 * @param {(text: string) => void} onChoose
 */
export function createSamples(api, onChoose) {
  const id = newId("samples");
  const prompt = element("option", { value: "" }, "Choose …");
  const input = element("select", { id, onchange: choose }, prompt);
  let samples = {};

  load();
  return element("div", { class: "samples" }, element("label", { for: id }, "Sample event"), input);

  async function load() {
    try {
      samples = await api.get("samples");
      input.append(...Object.keys(samples).map((name) => element("option", { value: name }, name)));
    } catch (error) {
      prompt.textContent = "There are none";
      alertReader(error.message);
    }
  }

  function choose() {
    if (!(input.value in samples)) return;
    onChoose(JSON.stringify(samples[input.value], null, 2));
    // Then the same sample can be chosen again, after changes to it.
    input.value = "";
  }
}
