/** Events to begin with: one of each call type, and those of the destination. */
import { element, newId } from "../elements.js";
import { alertReader } from "../live_region.js";
import { eventText, sampleEvents } from "./sample_events.js";

/**
 * Return a menu of samples.
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
      samples = await sampleEvents(api);
      input.append(...Object.keys(samples).map((name) => element("option", { value: name }, name)));
    } catch (error) {
      prompt.textContent = "There are none";
      alertReader(error.message);
    }
  }

  function choose() {
    if (!(input.value in samples)) return;
    onChoose(eventText(samples[input.value]));
    // Then the same sample can be chosen again, after changes to it.
    input.value = "";
  }
}
