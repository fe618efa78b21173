// One delivery by the peer: Segment's own code reads a file of NDJSON and sends it with its own client.
//
//   node deliver_peer.cjs OPTIONS.json
//
// Options: file, url, headers, settings, settingsFields, action, subscription, batchEvents (1: onEvent), inFlight.
// It prints the seconds from the first line to the last answer.

'use strict'

const fs = require('node:fs')
const readline = require('node:readline')

const { Destination } = require('@segment/actions-core')

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const { subscription } = options
const send = (client, { payload }) => client(options.url, { method: 'POST', json: payload })
const destination = new Destination({
  name: subscription.partnerAction,
  mode: 'cloud',
  authentication: { scheme: 'custom', fields: options.settingsFields },
  extendRequest: () => ({ headers: options.headers }),
  actions: { [subscription.partnerAction]: { ...options.action, perform: send, performBatch: send } }
})
const settings = { ...options.settings, subscriptions: [subscription] }

async function deliver(events) {
  const results =
    options.batchEvents === 1 ? await destination.onEvent(events[0], settings) : await destination.onBatch(events, settings)
  destination.responses.length = 0 // it keeps every answer, which here would only fill the memory
  return results
}

async function main() {
  const began = performance.now()
  const inFlight = new Set()
  let events = []

  const start = async (batch) => {
    const sending = deliver(batch).finally(() => inFlight.delete(sending))
    inFlight.add(sending)
    if (inFlight.size >= options.inFlight) await Promise.race(inFlight)
  }

  for await (const line of readline.createInterface({ input: fs.createReadStream(options.file) })) {
    events.push(JSON.parse(line))
    if (events.length === options.batchEvents) {
      await start(events)
      events = []
    }
  }
  if (events.length > 0) await start(events)
  await Promise.all(inFlight)
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }))
}

main()
