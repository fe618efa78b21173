// Sends events with one of Segment's SDKs for Node, as a program of a customer would. The argument is that of send.py.

import { createRequire } from "node:module"
import { setTimeout } from "node:timers/promises"

const asked = JSON.parse(process.argv[2])
const sdk = createRequire(import.meta.url)(asked.module)
const failed = []

function event(number) {
  return {
    userId: `${asked.name}-user`,
    event: "Units",
    properties: { sdk: asked.name, number, text: "Zoë 漢字 😀", nested: { list: [1, { null: null }] } },
    timestamp: new Date(asked.start + number),
  }
}

// As a server does: some events, then some time for their requests.
async function sendAll(send) {
  for (let number = 0; number < asked.count; number++) {
    send(event(number))
    if (number % 50 === 49) await setTimeout(2)
  }
}

if (asked.module === "analytics-node") {
  const analytics = new sdk(asked.writeKey, { host: asked.host, ...(asked.single ? { flushAt: 1 } : {}) })
  // Without it, an error of a flush that nobody asked for ends the program.
  analytics.errorHandler = (error) => failed.push(error)
  await sendAll((one) => analytics.track(one, (error) => error && failed.push(error)))
  await analytics.flush()
} else {
  const analytics = new sdk.Analytics({
    writeKey: asked.writeKey,
    host: asked.host,
    ...(asked.single ? { flushAt: 1 } : {}),
  })
  analytics.on("error", (error) => failed.push(error))
  await sendAll((one) => analytics.track(one))
  await analytics.closeAndFlush({ timeout: 100_000 })
}

if (failed.length > 0) {
  console.error(`${failed.length} failed:`, failed[0])
  process.exitCode = 1
}
