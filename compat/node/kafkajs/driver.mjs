// The driver of KafkaJS (the protocol: compat/README.md). Snappy, lz4 and zstd come from add-ons.

import { randomUUID } from 'node:crypto'

import {
  fromBase64,
  Inbox,
  installed,
  NoFeature,
  paced,
  Refused,
  remembered,
  serve,
  toBase64,
  versionOf,
  waitUntil,
} from '../protocol.mjs'

const kafkajs = installed('kafkajs')
const lz4 = installed('lz4-napi')
const zstd = installed('@bokuweb/zstd-wasm')
const { AssignerProtocol, CompressionCodecs, CompressionTypes, Kafka, Partitioners } = kafkajs
const { MemberAssignment } = AssignerProtocol

await zstd.init()
CompressionCodecs[CompressionTypes.Snappy] = installed('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: data => lz4.decompressFrame(data),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async data => Buffer.from(zstd.decompress(data)),
})

const CODECS = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }
const CONFIG_TYPES = { topic: 2, broker: 4 }
// KafkaJS sends what one call gets as one batch of each partition: calls as large as an application would make.
const CALL_BYTES = 256 * 1024
const CALL_RECORDS = 1000

const kafka = remembered(
  bootstrap =>
    new Kafka({
      clientId: 'compat',
      brokers: [bootstrap],
      logCreator: () => entry => console.error(JSON.stringify(entry.log), entry.namespace, entry.label),
      retry: { maxRetryTime: 1000, retries: 30 },
    }),
)

const admin = remembered(async bootstrap => {
  const made = kafka(bootstrap).admin({ retry: { maxRetryTime: 1000, retries: 5 } })
  await made.connect()
  return made
})

const producer = remembered(async (bootstrap, codec, acks, idempotent) => {
  const chosen = new WeakMap()
  const made = kafka(bootstrap).producer({
    idempotent,
    retry: { maxRetryTime: 1000, retries: idempotent ? Number.MAX_SAFE_INTEGER : 30 },
    metadataMaxAge: 2000,
    allowAutoTopicCreation: false,
    createPartitioner: () => {
      const choose = Partitioners.DefaultPartitioner()
      return args => {
        const partition = choose(args)
        chosen.set(args.message, partition)
        return partition
      }
    },
  })
  await made.connect()
  const send = async (topic, messages) => {
    const told = await made.send({ topic, messages, acks, compression: CompressionTypes[CODECS[codec]] })
    const next = new Map(told.map(each => [each.partition, Number(each.baseOffset)]))
    return messages.map(message => {
      const partition = chosen.get(message)
      if (!next.has(partition)) return null
      const offset = next.get(partition)
      next.set(partition, offset + 1)
      return [partition, offset]
    })
  }
  return { send, close: () => made.disconnect() }
})

function toHeaders(pairs) {
  if (pairs.some(([, data]) => data === null)) {
    throw new NoFeature('a null header value raises a TypeError in its encoder')
  }
  const headers = {}
  for (const [name, data] of pairs) {
    headers[name] = name in headers ? [headers[name], fromBase64(data)].flat() : fromBase64(data)
  }
  const order = Object.entries(headers).flatMap(([name, data]) => [data].flat().map(() => name))
  if (order.join('\0') !== pairs.map(([name]) => name).join('\0')) {
    throw new NoFeature('headers are an object: values of one name stand together')
  }
  return headers
}

const toMessage = record => ({
  key: fromBase64(record.key),
  value: fromBase64(record.value),
  headers: toHeaders(record.headers ?? []),
  ...(record.partition === null || record.partition === undefined ? {} : { partition: record.partition }),
  ...(record.timestamp === null || record.timestamp === undefined ? {} : { timestamp: String(record.timestamp) }),
})

function* calls(messages) {
  let call = []
  let bytes = 0
  for (const message of messages) {
    const size = (message.key?.length ?? 0) + (message.value?.length ?? 0)
    if (call.length && (bytes + size > CALL_BYTES || call.length >= CALL_RECORDS)) {
      yield call
      call = []
      bytes = 0
    }
    call.push(message)
    bytes += size
  }
  if (call.length) yield call
}

async function produce({ bootstrap, topic, records, codec = 'none', acks = -1, idempotent = false, per_second }) {
  const messages = records.map(toMessage)
  const { send } = await producer(bootstrap, codec, acks, idempotent)
  const offsets = []
  // It keeps no order among calls under way at once, so there is one at a time.
  for await (const ready of paced(messages, per_second)) {
    for (const call of calls(ready)) offsets.push(...(await send(topic, call)))
  }
  return { offsets }
}

/** Values of one name come in an array, so with a second name nobody knows the order any more. */
function fromHeaders(headers) {
  const entries = Object.entries(headers ?? {})
  if (entries.length > 1 && entries.some(([, data]) => Array.isArray(data))) {
    throw new NoFeature('headers are an object: values of one name stand together')
  }
  return entries.flatMap(([name, data]) => [data].flat().map(each => [name, toBase64(each)]))
}

const fromMessage = (topic, partition, message) => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestamp: Number(message.timestamp),
  key: toBase64(message.key),
  value: toBase64(message.value),
  headers: message.headers,
})

const withHeaders = record => ({ ...record, headers: fromHeaders(record.headers) })

const consumerSettings = groupId => ({
  groupId,
  metadataMaxAge: 2000,
  allowAutoTopicCreation: false,
  maxBytesPerPartition: 4 * 1024 * 1024,
  maxWaitTimeInMs: 500,
})

async function ends(bootstrap, topic, partition) {
  const found = (await (await admin(bootstrap)).fetchTopicOffsets(topic)).find(each => each.partition === partition)
  return { beginning: Number(found.low), end: Number(found.high) }
}

async function searched(bootstrap, topic, partition, time) {
  const found = await (await admin(bootstrap)).fetchTopicOffsetsByTimestamp(topic, time)
  return Number(found.find(each => each.partition === partition).offset)
}

async function startOffset({ bootstrap, topic, partition, start }) {
  if (typeof start === 'number') return start
  if (typeof start === 'object') return searched(bootstrap, topic, partition, start.time)
  return (await ends(bootstrap, topic, partition))[start]
}

/** KafkaJS reads in groups only: a group of its own for each call, all other partitions paused. */
async function consume(request) {
  const { bootstrap, topic, partition, count, timeout_ms } = request
  const deadline = Date.now() + timeout_ms - 2500
  const from = await startOffset(request)
  const others = await (await admin(bootstrap)).fetchTopicMetadata({ topics: [topic] })
  const paused = others.topics[0].partitions.map(each => each.partitionId).filter(each => each !== partition)
  const consumer = kafka(bootstrap).consumer(consumerSettings(`compat-reader-${randomUUID()}`))
  const records = []
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const crash = new Promise(resolve => consumer.on(consumer.events.CRASH, event => resolve(event.payload.error)))
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset, isStale }) => {
      for (const message of batch.messages) {
        if (isStale()) return
        const record = fromMessage(topic, batch.partition, message)
        if (record.partition === partition && record.offset >= from && records.length < count) records.push(record)
        resolveOffset(message.offset)
      }
    },
  })
  if (paused.length) consumer.pause([{ topic, partitions: paused }])
  consumer.seek({ topic, partition, offset: String(from) })
  const enough = waitUntil(() => records.length >= count, deadline - Date.now())
  const failed = await Promise.race([enough.then(() => null), crash])
  await consumer.disconnect()
  if (failed) throw failed
  return { records: records.map(withHeaders) }
}

let member = null

async function join({ bootstrap, group, topics, strategy, instance_id, session_timeout_ms = 10000 }) {
  if (instance_id) throw new NoFeature('no static membership in KafkaJS')
  if (strategy && strategy !== 'roundrobin')
    throw new NoFeature(`its only assignor is RoundRobinAssigner, no ${strategy}`)
  const consumer = kafka(bootstrap).consumer({
    ...consumerSettings(group),
    sessionTimeout: session_timeout_ms,
    heartbeatInterval: Math.min(500, session_timeout_ms / 3),
  })
  const joined = { consumer, group, assigned: new Map(), rebalances: 0, inbox: new Inbox() }
  const has = (topic, partition) => joined.assigned.get(topic)?.includes(partition) ?? false
  const assign = assignment => {
    joined.assigned = new Map(Object.entries(assignment))
    joined.inbox.keepOnly(has)
  }
  consumer.on(consumer.events.GROUP_JOIN, event => {
    joined.rebalances += 1
    assign(event.payload.memberAssignment)
  })
  consumer.on(consumer.events.REBALANCING, () => assign({}))
  consumer.on(consumer.events.CRASH, event => console.error('crashed', event.payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  const eachBatch = async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
    const { topic, partition } = batch
    const gone = () => !isRunning() || isStale() || !has(topic, partition)
    for (const message of batch.messages) {
      while (joined.inbox.records.length >= joined.inbox.limit && !gone()) {
        await heartbeat()
        await waitUntil(() => joined.inbox.records.length < joined.inbox.limit || gone(), 200)
      }
      if (gone()) return
      await joined.inbox.put(fromMessage(topic, partition, message))
      resolveOffset(message.offset)
    }
    await heartbeat()
  }
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
  member = joined
}

function joinedMember() {
  if (!member) throw new Error('no member has joined')
  return member
}

async function assignment() {
  const { assigned, rebalances } = joinedMember()
  const partitions = [...assigned].flatMap(([topic, indexes]) => indexes.map(index => [topic, index]))
  return { partitions, rebalances }
}

async function commit() {
  const { consumer, inbox } = joinedMember()
  const offsets = inbox.handedOver()
  if (offsets.length) {
    await consumer.commitOffsets(
      offsets.map(([topic, partition, offset]) => ({ topic, partition, offset: String(offset) })),
    )
  }
  return { offsets }
}

const groupOffsets = async (bootstrap, group, topics) =>
  (await (await admin(bootstrap)).fetchOffsets({ groupId: group, topics }))
    .flatMap(({ topic, partitions }) => partitions.map(each => [topic, each.partition, Number(each.offset)]))
    .filter(([, , offset]) => offset >= 0)

async function committed({ bootstrap, topic, partition }) {
  const offsets = await groupOffsets(bootstrap, joinedMember().group, [topic])
  return { offset: offsets.find(each => each[1] === partition)?.[2] ?? null }
}

async function leave() {
  const { consumer } = joinedMember()
  member = null
  await consumer.disconnect()
}

const settingsOf = configs => Object.entries(configs ?? {}).map(([name, value]) => ({ name, value }))

function configType(type) {
  if (!(type in CONFIG_TYPES)) throw new NoFeature(`no settings of a ${type} in KafkaJS`)
  return CONFIG_TYPES[type]
}

async function describeTopic({ bootstrap, topic }) {
  const { topics } = await (await admin(bootstrap)).fetchTopicMetadata({ topics: [topic] })
  const partitions = topics[0].partitions.map(({ partitionId, leader, replicas, isr }) => ({
    partition: partitionId,
    leader,
    replicas,
    isr,
  }))
  return { partitions, topic_id: null }
}

const memberOf = ({ clientId, clientHost, memberAssignment }) => {
  const decoded = memberAssignment.length ? MemberAssignment.decode(memberAssignment) : { assignment: {} }
  const assigned = Object.entries(decoded.assignment).flatMap(([topic, list]) => list.map(index => [topic, index]))
  return { client_id: clientId, host: clientHost, instance_id: null, assignment: assigned }
}

async function describeGroup({ bootstrap, group }) {
  const { groups } = await (await admin(bootstrap)).describeGroups([group])
  const { state, protocol, members } = groups[0]
  return { state, protocol, members: members.map(memberOf) }
}

async function alterGroupOffsets({ bootstrap, group, offsets }) {
  for (const topic of new Set(offsets.map(each => each[0]))) {
    const partitions = offsets
      .filter(each => each[0] === topic)
      .map(([, partition, offset]) => ({ partition, offset: String(offset) }))
    await (await admin(bootstrap)).setOffsets({ groupId: group, topic, partitions })
  }
}

async function listOffsets({ bootstrap, topic, partition, at }) {
  if (at === 'max_timestamp') throw new NoFeature('no search for the largest timestamp in KafkaJS')
  if (typeof at === 'number') return { offset: await searched(bootstrap, topic, partition, at), timestamp: null }
  const { beginning, end } = await ends(bootstrap, topic, partition)
  return { offset: at === 'earliest' ? beginning : end, timestamp: null }
}

const operations = {
  produce,
  consume,
  offset_for_time: async ({ bootstrap, topic, partition, time }) => ({
    offset: await searched(bootstrap, topic, partition, time),
    timestamp: null,
  }),
  watermarks: ({ bootstrap, topic, partition }) => ends(bootstrap, topic, partition),
  join,
  assignment,
  poll: async ({ wait_ms, max = 500 }) => ({
    records: (await joinedMember().inbox.take(wait_ms, max)).map(withHeaders),
  }),
  commit,
  committed,
  leave,
  create_topic: async ({ bootstrap, topic, partitions, replication_factor = 1, configs, validate_only = false }) => {
    const numbers = { numPartitions: partitions, replicationFactor: replication_factor }
    const wanted = { topic, ...numbers, configEntries: settingsOf(configs) }
    const options = { validateOnly: validate_only, waitForLeaders: !validate_only }
    const created = await (await admin(bootstrap)).createTopics({ topics: [wanted], ...options })
    if (!created) throw new Refused('createTopics gave false: the topic exists', 36)
  },
  delete_topic: async ({ bootstrap, topic }) => (await admin(bootstrap)).deleteTopics({ topics: [topic] }),
  create_partitions: async ({ bootstrap, topic, total }) => {
    await (await admin(bootstrap)).createPartitions({ topicPartitions: [{ topic, count: total }] })
  },
  list_topics: async ({ bootstrap }) => ({ topics: await (await admin(bootstrap)).listTopics() }),
  describe_topic: describeTopic,
  describe_configs: async ({ bootstrap, type, name }) => {
    const wanted = [{ type: configType(type), name }]
    const { resources } = await (await admin(bootstrap)).describeConfigs({ resources: wanted, includeSynonyms: false })
    const entries = resources[0].configEntries.map(({ configName, configValue }) => [configName, configValue])
    return { configs: Object.fromEntries(entries) }
  },
  alter_configs: async ({ bootstrap, type, name, configs }) => {
    const resources = [{ type: configType(type), name, configEntries: settingsOf(configs) }]
    await (await admin(bootstrap)).alterConfigs({ validateOnly: false, resources })
  },
  delete_records: async ({ bootstrap, topic, partition, before }) => {
    // It looks for the leader before it asks for metadata.
    await (await admin(bootstrap)).fetchTopicOffsets(topic)
    await (await admin(bootstrap)).deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
    return { low_watermark: null }
  },
  list_offsets: listOffsets,
  list_groups: async ({ bootstrap }) => ({
    groups: (await (await admin(bootstrap)).listGroups()).groups.map(each => each.groupId),
  }),
  describe_group: describeGroup,
  delete_group: async ({ bootstrap, group }) => {
    await (await admin(bootstrap)).deleteGroups([group])
  },
  group_offsets: async ({ bootstrap, group }) => ({ offsets: await groupOffsets(bootstrap, group, []) }),
  alter_group_offsets: alterGroupOffsets,
  describe_cluster: async ({ bootstrap }) => {
    const { brokers, controller, clusterId } = await (await admin(bootstrap)).describeCluster()
    return { cluster_id: clusterId, controller, brokers: brokers.map(each => each.nodeId) }
  },
}

async function close() {
  if (member) await leave()
  for (const each of await producer.all()) await each.close()
  for (const each of await admin.all()) await each.disconnect()
}

await serve('KafkaJS', versionOf('kafkajs'), operations, close)
