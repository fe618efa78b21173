/** What the live messages of the last minutes said, as columns: charts and tables read these. */

/** So much is kept and shown, in seconds. */
export const SHOWN_SECONDS = 300;

const READ = {
  at: (message) => message.at,
  queued: (message) => message.queued,
  accepted: (message) => message.perSecond.accepted,
  delivered: (message) => message.perSecond.delivered,
  dead: (message) => message.perSecond.dead,
  p50: (message) => toMilliseconds(message.latency?.p50),
  p95: (message) => toMilliseconds(message.latency?.p95),
};

export function createHistory() {
  const columns = Object.fromEntries(Object.keys(READ).map((name) => [name, []]));

  return {
    columns,
    add(message) {
      const { at } = columns;
      // Without a line between them, nobody takes a time without messages for one without events.
      if (at.length && message.at - at.at(-1) > 5) push(columns, (name) => (name === "at" ? at.at(-1) + 1 : null));
      push(columns, (name) => READ[name](message));
      const old = at.findIndex((moment) => moment >= message.at - SHOWN_SECONDS);
      if (old > 0) for (const column of Object.values(columns)) column.splice(0, old);
    },
    /** Return the latest value of a column, its highest, and null where there is none. */
    summary(name) {
      const values = columns[name].filter((value) => value !== null);
      return { latest: columns[name].at(-1) ?? null, highest: values.length ? Math.max(...values) : null };
    },
  };
}

function push(columns, valueOf) {
  for (const [name, column] of Object.entries(columns)) column.push(valueOf(name));
}

function toMilliseconds(seconds) {
  return seconds === undefined || seconds === null ? null : seconds * 1000;
}
