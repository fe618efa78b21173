/** One chart over time. Its colours are those of the page, so they change with dark and light. */
import uPlot from "uplot";
import { element, fill } from "../elements.js";
import { clockTime } from "../moments.js";
import { SHOWN_SECONDS } from "./history.js";

const HEIGHT = 150;

/**
 * @typedef {object} Series
 * @property {string} name  a column of the history
 * @property {string} title
 * @property {string} colour  a colour of the page, without its two dashes
 * @property {boolean} [isDashed]  lines must differ by more than their colour
 */

/**
 * Return a chart.
 *
 * @param {{title: string, unit: string, series: Series[], format: (value: number) => string, history: object, least?: number}} options
 *   `least` is what the upper end of the axis is at least: smaller whole numbers would be marked twice
 */
export function createChart({ title, unit, series, format, history, least = 2 }) {
  const plotted = element("div", { class: "plot" });
  const values = series.map(() => element("output", {}));
  const moment = element("span", { class: "soft" });
  const figure = element(
    "figure",
    { class: "chart", role: "group", "aria-label": title },
    element("figcaption", {}, element("strong", {}, title), element("span", { class: "soft" }, unit), moment),
    element("ul", { class: "legend", "aria-hidden": "true" }, series.map(({ title: name, colour, isDashed }, at) =>
      element("li", {}, element("span", { class: `key ${colour}${isDashed ? " dashed" : ""}` }), `${name} `, values[at]))),
    plotted,
  );
  const image = element("p", { class: "for-readers" });
  figure.append(image);

  const plot = new uPlot(optionsOf(), columnsOf(), plotted);
  const sized = new ResizeObserver(() => fit());
  sized.observe(plotted);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => plot.redraw();
  scheme.addEventListener("change", redraw);

  function optionsOf() {
    const axis = { stroke: () => colourOf("--soft"), grid: { stroke: () => colourOf("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: 300,
      height: HEIGHT,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      // The clock of the server, in the time zone of the reader.
      scales: { x: { time: true, range: () => rangeOf() }, y: { range: (_, __, most) => [0, Math.max(most ?? 0, least) * 1.1] } },
      axes: [
        { ...axis, size: 24, space: 64, incrs: [10, 20, 30, 60, 120], values: (_, splits, __, ___, step) => splits.map((at) => (step < 60 ? clockTime(at) : clockTime(at).slice(0, 5))) },
        { ...axis, size: 56, space: 32, values: (_, splits) => splits.map((value) => format(value)) },
      ],
      series: [{}, ...series.map(({ colour, isDashed }) => ({
        stroke: () => colourOf(`--${colour}`),
        width: 2,
        dash: isDashed ? [5, 4] : undefined,
        points: { show: false },
      }))],
      hooks: { setCursor: [showValues] },
    };
  }

  function columnsOf() {
    return [history.columns.at, ...series.map(({ name }) => history.columns[name])];
  }

  /** Return the first and the last moment: at least a minute, so the first messages do not fill the chart. */
  function rangeOf() {
    const { at } = history.columns;
    const last = at.at(-1) ?? Date.now() / 1000;
    return [Math.max(last - SHOWN_SECONDS, Math.min(at[0] ?? last, last - 60)), last];
  }

  function fit() {
    const width = Math.floor(plotted.clientWidth);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }

  /** Show the values under the mouse, or the latest. */
  function showValues() {
    const at = plot?.cursor.idx ?? null;
    series.forEach(({ name }, index) => {
      const column = history.columns[name];
      const value = at === null ? column.at(-1) : column[at];
      values[index].textContent = value === null || value === undefined ? "–" : format(value);
    });
    moment.textContent = at === null || history.columns.at[at] === undefined ? "" : clockTime(history.columns.at[at]);
  }

  return {
    node: figure,
    update() {
      plot.setData(columnsOf());
      showValues();
    },
    /** Say in words what the chart shows. This changes seldom, and interrupts nobody. */
    describe() {
      const parts = series.map(({ name, title: words }) => {
        const { latest, highest } = history.summary(name);
        return highest === null ? `${words}: nothing yet` : `${words}: ${latest === null ? "nothing" : format(latest)} now, ${format(highest)} at most`;
      });
      fill(image, `In the last 5 minutes, in ${unit}. ${parts.join(". ")}.`);
    },
    destroy() {
      sized.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
    },
  };
}

function colourOf(property) {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
