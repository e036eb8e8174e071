// The drivers' side of the protocol of compat/README.md: one JSON request per line in, one answer per line out.
//
// A driver calls serve(client, version, operations, close) with one async function per operation; each gets the request
// and returns what stands under "ok". It throws NoFeature where the client lacks what is asked for, anything else for
// an error.

import { Console } from 'node:console'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

// stdout is for answers; what libraries print goes to the log.
globalThis.console = new Console(process.stderr)

/** Finds packages where the set-up installed them. */
export const installed = createRequire(path.join(process.env.COMPAT_HOME ?? '.', 'package.json'))

/** The version of an installed package, also of one that does not export its package.json. */
export const versionOf = name =>
  JSON.parse(readFileSync(path.join(process.env.COMPAT_HOME, 'node_modules', name, 'package.json'), 'utf8')).version

/** Imports a package that is no CommonJS module. */
export const importInstalled = name => import(pathToFileURL(installed.resolve(name)).href)

/** The client has no such thing; the message says why. */
export class NoFeature extends Error {}

/** An error with Kafka's code. */
export class Refused extends Error {
  constructor(message, code) {
    super(message)
    this.code = code
  }
}

export const fromBase64 = text => (text === null || text === undefined ? null : Buffer.from(text, 'base64'))

export const toBase64 = data => (data === null || data === undefined ? null : Buffer.from(data).toString('base64'))

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** The first truthy value that `look` gives within `milliseconds`, else what it gave last. */
export async function waitUntil(look, milliseconds, step = 20) {
  const deadline = Date.now() + milliseconds
  for (;;) {
    const found = await look()
    if (found || Date.now() >= deadline) return found
    await sleep(step)
  }
}

/** The same object for the same arguments, made once. */
export function remembered(make) {
  const made = new Map()
  const get = (...key) => {
    const name = JSON.stringify(key)
    if (!made.has(name)) {
      const coming = make(...key)
      made.set(name, coming)
      Promise.resolve(coming).catch(() => made.delete(name))
    }
    return made.get(name)
  }
  get.all = async () => (await Promise.allSettled(made.values())).flatMap(each => each.value ?? [])
  return get
}

/**
 * Lists of `items` whose time has come, at `perSecond` or all at once; what comes due while a list is handled is the
 * next one.
 */
export async function* paced(items, perSecond) {
  if (!perSecond) {
    yield items
    return
  }
  const start = Date.now()
  for (let next = 0; next < items.length; ) {
    const due = Math.min(items.length, Math.floor(((Date.now() - start) * perSecond) / 1000) + 1)
    if (due > next) yield items.slice(next, due)
    else await sleep(2)
    next = Math.max(next, due)
  }
}

/** Records that a member got and nobody asked for yet, with a limit above which `put` waits. */
export class Inbox {
  constructor(limit = 400) {
    this.limit = limit
    this.records = []
    this.positions = new Map()
  }

  async put(record, isStale = () => false) {
    while (this.records.length >= this.limit && !isStale()) await sleep(20)
    if (!isStale()) this.records.push(record)
  }

  /** At most `max` records, as soon as there is one; their partitions' positions are kept for a commit. */
  async take(waitMs, max) {
    await waitUntil(() => this.records.length > 0, waitMs)
    const taken = this.records.splice(0, max)
    for (const record of taken) this.positions.set(`${record.topic}\0${record.partition}`, record.offset + 1)
    return taken
  }

  /** Forget what belongs to partitions that `isKept` does not hold. */
  keepOnly(isKept) {
    this.records = this.records.filter(record => isKept(record.topic, record.partition))
    this.keepPositions(isKept)
  }

  /** Forget positions of partitions that `isKept` does not hold, but hand over the records that came from them. */
  keepPositions(isKept) {
    for (const key of this.positions.keys()) {
      const [topic, partition] = key.split('\0')
      if (!isKept(topic, Number(partition))) this.positions.delete(key)
    }
  }

  /** [topic, partition, offset] of all that was handed over. */
  handedOver() {
    return [...this.positions].map(([key, offset]) => {
      const [topic, partition] = key.split('\0')
      return [topic, Number(partition), offset]
    })
  }
}

/** Kafka's code in an error, whatever it is wrapped in. */
export function codeOf(error, depth = 0) {
  if (!error || depth > 6) return null
  for (const name of ['code', 'errorCode', 'apiCode']) {
    if (Number.isInteger(error[name])) return error[name]
  }
  const inner = [
    error.cause,
    error.error,
    ...(error.errors ?? []),
    ...(error.groups ?? []),
    ...(error.partitions ?? []),
  ]
  for (const each of inner) {
    const found = codeOf(each, depth + 1)
    if (found !== null) return found
  }
  return null
}

function messageOf(error, depth = 0) {
  if (!error || depth > 6) return ''
  const text = String(error.message ?? error)
  const inner = [error.cause, ...(error.errors ?? []), ...(error.groups ?? [])].filter(Boolean)
  return [text, ...inner.map(each => messageOf(each, depth + 1))].filter(Boolean).join(' < ')
}

function within(promise, milliseconds) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${milliseconds} ms`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function answer(operations, request) {
  const operation = Object.hasOwn(operations, request.do) ? operations[request.do] : null
  if (!operation) return { none: operations.none?.[request.do] ?? `the client has no ${request.do}` }
  try {
    const found = await within(operation(request), request.timeout_ms)
    return { ok: found && Object.getPrototypeOf(found) === Object.prototype ? found : {} }
  } catch (error) {
    if (error instanceof NoFeature) return { none: error.message }
    console.error(error)
    return { error: messageOf(error).replace(/\s+/g, ' '), code: codeOf(error) }
  }
}

/** Answer requests until stdin ends, then close and exit. `operations.none` says why operations are missing. */
export async function serve(client, version, operations, close) {
  process.on('unhandledRejection', error => console.error('unhandled rejection:', error))
  process.on('uncaughtException', error => console.error('uncaught exception:', error))
  const print = value => process.stdout.write(JSON.stringify(value) + '\n')
  print({ client, version, ready: true })
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue
    const request = JSON.parse(line)
    print({ id: request.id, ...(await answer(operations, request)) })
  }
  await within(close(), 9000).catch(error => console.error(error))
  process.exit(0)
}
