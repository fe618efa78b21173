// The peer: Segment's own code. It is asked over standard input and answers over standard output, a JSON value a line:
//
//   {"ask": "load", "workload": {…}}                              → {"loaded": 2000}
//   {"ask": "answers", "workload": "…", "measure": "…"}           → {"answers": […]}
//   {"ask": "run", "workload": "…", "measure": "…", "passes": 3}  → {"seconds": 0.25}

'use strict'

const path = require('node:path')
const readline = require('node:readline')

const { Destination, fieldsToJsonSchema, transform, validateSchema } = require('@segment/actions-core')

// The package exports neither of these two files. The one does a part of the work that is timed;
// the other is the only way to the network, which is closed here.
const core = path.dirname(require.resolve('@segment/actions-core'))
const { removeEmptyValues } = require(path.join(core, 'remove-empty-values.js'))
const network = require(path.join(core, 'fetch.js'))

let sent

network.default = async (request) => {
  sent = request
  return new Answer()
}

/** The partner's answer. It costs next to nothing, since what is measured ends with the request. */
class Answer {
  ok = true
  status = 200
  headers = { get: () => null }

  clone() {
    return this
  }

  async text() {
    return ''
  }
}

/** What is timed, in its parts: lines, events, and a destination set up as Segment sets it up. */
class Workload {
  constructor({ lines, batchEvents, subscription, action, request, settings, settingsFields }) {
    this.lines = lines
    this.events = lines.map((line) => JSON.parse(line))
    this.batchEvents = batchEvents
    this.mapping = subscription.mapping
    this.schema = fieldsToJsonSchema(action.fields)
    this.schemaKey = `${subscription.partnerAction}:alone`
    this.settings = { ...settings, subscriptions: [subscription] }
    this.destination = new Destination({
      name: subscription.partnerAction,
      mode: 'cloud',
      authentication: { scheme: 'custom', fields: settingsFields },
      extendRequest: () => ({ headers: request.headers }),
      actions: {
        [subscription.partnerAction]: {
          ...action,
          perform: (client, { payload }) => client(request.url, { method: request.method, json: payload }),
          performBatch: (_client, { payload }) => {
            this.body = JSON.stringify(payload)
          }
        }
      }
    })
  }
}

/** One pass over a workload for each measure. `keep`, a list, is given when the answers are to be compared. */
const measures = {
  mapping({ events, mapping }, keep) {
    for (const event of events) {
      const mapped = transform(mapping, event)
      keep?.push(mapped)
    }
  },

  fields({ events, mapping, schema, schemaKey }, keep) {
    for (const event of events) {
      const payload = removeEmptyValues(transform(mapping, event), schema, true)
      validateSchema(payload, schema, { schemaKey })
      keep?.push(payload)
    }
  },

  async batches(workload, keep) {
    const { lines, batchEvents, destination, settings } = workload
    for (let start = 0; start < lines.length; start += batchEvents) {
      const events = lines.slice(start, start + batchEvents).map((line) => JSON.parse(line))
      await destination.onBatch(events, settings)
      keep?.push(JSON.parse(workload.body))
    }
  },

  async single({ events, destination, settings }, keep) {
    for (const event of events) {
      await destination.onEvent(event, settings)
      destination.responses.length = 0 // it keeps every answer, which here would only fill the memory
      keep?.push({ method: sent.method, url: sent.url, body: JSON.parse(await sent.text()) })
    }
  }
}

const workloads = new Map()

const asks = {
  load({ workload }) {
    workloads.set(workload.name, new Workload(workload))
    return { loaded: workload.lines.length }
  },

  async answers({ workload, measure }) {
    const answers = []
    await measures[measure](workloads.get(workload), answers)
    return { answers }
  },

  async run({ workload, measure, passes }) {
    const start = process.cpuUsage()
    for (let pass = 0; pass < passes; pass += 1) await measures[measure](workloads.get(workload))
    const { user, system } = process.cpuUsage(start)
    return { seconds: (user + system) / 1e6 }
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line)
    process.stdout.write(`${JSON.stringify(await asks[asked.ask](asked))}\n`)
  }
}

main()
