/** Moments, spans of time and numbers as people read them. Moments are seconds since 1970. */

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"]];

/** Return the time of day: 14:05:09. */
export function clockTime(moment) {
  return new Date(moment * 1000).toLocaleTimeString("en-GB");
}

/** Return the day and the time: 2026-11-30 14:05:09. */
export function dayTime(moment) {
  const date = new Date(moment * 1000);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  return `${day} ${clockTime(moment)}`;
}

/** Return a span of time in the largest unit that fits: 2.5 h. */
export function span(seconds) {
  const left = Math.max(0, Math.round(seconds));
  for (const [size, unit] of UNITS) if (left >= size) return `${(left / size).toFixed(1)} ${unit}`;
  return `${left} s`;
}

/** Return how long a request took: 12 ms, or 1.25 s. */
export function duration(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/** Return a whole number with separators: 12,345. */
export function number(value) {
  return NUMBER.format(value);
}

/** Return a rate: 1,230 or 0.3. */
export function rate(value) {
  return (value < 10 ? TENTHS : NUMBER).format(value);
}

/** Return a number with its noun: 1 event, 2 events. */
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}
