/** The charts of a delivery, and the same figures as a table. */
import { element, fill } from "../elements.js";
import { clockTime, duration, number, rate } from "../moments.js";
import { createChart } from "./chart.js";

/** Every how many messages the texts beside the charts change, and how many rows the table has. */
const SELDOM = 10;
const ROWS = 12;

export function createChartsPane(history) {
  const inMilliseconds = (value) => duration(value / 1000);
  const charts = [
    createChart({
      title: "Queue",
      unit: "events",
      history,
      format: number,
      series: [{ name: "queued", title: "Queued", colour: "accent" }],
    }),
    createChart({
      title: "Throughput",
      unit: "events a second",
      history,
      format: rate,
      least: 1,
      series: [
        { name: "delivered", title: "Delivered", colour: "good" },
        { name: "accepted", title: "Accepted", colour: "accent", isDashed: true },
        { name: "dead", title: "Dead", colour: "bad" },
      ],
    }),
    createChart({
      title: "Latency",
      unit: "time of a request",
      history,
      format: inMilliseconds,
      series: [
        { name: "p95", title: "95 of 100 under", colour: "must" },
        { name: "p50", title: "Half under", colour: "accent", isDashed: true },
      ],
    }),
  ];
  const body = element("tbody");
  const table = element(
    "details",
    { class: "figures" },
    element("summary", {}, "The figures as a table"),
    element(
      "div",
      { class: "wide", tabIndex: 0, role: "region", "aria-label": "Figures of the last minutes" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ["Time", "Queued", "Accepted a second", "Delivered a second", "Dead a second", "Latency (p50)", "Latency (p95)"].map((title) => element("th", { scope: "col" }, title)))),
        body,
      ),
    ),
  );
  table.addEventListener("toggle", showRows);
  const node = element("section", { class: "charts", "aria-label": "Charts" }, charts.map((chart) => chart.node), table);
  let count = 0;

  function showRows() {
    if (!table.open) return;
    const { at, queued, accepted, delivered, dead, p50, p95 } = history.columns;
    const rows = [];
    for (let index = at.length - 1; index >= 0 && rows.length < ROWS; index -= SELDOM) {
      const shown = (value, format) => (value === null || value === undefined ? "–" : format(value));
      rows.push(element("tr", {}, element("th", { scope: "row" }, clockTime(at[index])), [
        shown(queued[index], number), shown(accepted[index], rate), shown(delivered[index], rate), shown(dead[index], rate),
        shown(p50[index], inMilliseconds), shown(p95[index], inMilliseconds),
      ].map((text) => element("td", {}, text))));
    }
    fill(body, rows);
  }

  return {
    node,
    update() {
      for (const chart of charts) chart.update();
      if (count % SELDOM === 0) {
        for (const chart of charts) chart.describe();
        showRows();
      }
      count += 1;
    },
    destroy() {
      for (const chart of charts) chart.destroy();
    },
  };
}
