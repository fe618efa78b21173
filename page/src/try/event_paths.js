/** The paths of an event, which inputs of paths offer. */

const MOST_PATHS = 200;
const MOST_LEVELS = 8;

/** Return the paths of an event, such as `$.properties.plan`; none if the text is not a JSON object. */
export function pathsOf(text) {
  let event;
  try {
    event = JSON.parse(text);
  } catch {
    return [];
  }
  const paths = [];
  // Level by level: then the first paths of a large event are the short ones.
  let level = [["$", event]];
  for (let depth = 0; depth < MOST_LEVELS && level.length && paths.length < MOST_PATHS; depth += 1) {
    const next = [];
    for (const [path, value] of level) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
      for (const [key, inner] of Object.entries(value).slice(0, MOST_PATHS)) {
        const innerPath = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}['${key.replaceAll("'", "\\'")}']`;
        paths.push(innerPath);
        next.push([innerPath, inner]);
      }
    }
    level = next;
  }
  return paths.slice(0, MOST_PATHS);
}
