// The driver of @platformatic/kafka (the protocol: compat/README.md).
//
// Requests that its Admin has no method for, but that the package holds as API modules, are sent over a connection of
// the Admin.

import { randomUUID } from 'node:crypto'

import {
  fromBase64,
  importInstalled,
  Inbox,
  NoFeature,
  paced,
  Refused,
  remembered,
  serve,
  toBase64,
  versionOf,
  waitUntil,
} from '../protocol.mjs'

const platformatic = await importInstalled('@platformatic/kafka')
const { Admin, Consumer, cooperativeStickyAssigner, ConfigResourceTypes, ListOffsetTimestamps, Producer } =
  platformatic
const { IncrementalAlterConfigOperationTypes: CHANGES } = platformatic

// It sends what one call gets as one batch of each partition: calls as large as an application would make.
const CALL_BYTES = 256 * 1024
const CALL_RECORDS = 1000

const common = bootstrap => ({
  clientId: 'compat',
  bootstrapBrokers: [bootstrap],
  metadataMaxAge: 2000,
  autocreateTopics: false,
})

// A broker may be away for some seconds.
const PATIENT = { retries: 60, retryDelay: 500 }

const admin = remembered(bootstrap => new Admin(common(bootstrap)))

const producer = remembered(
  (bootstrap, codec, acks, idempotent) =>
    new Producer({
      ...common(bootstrap),
      ...PATIENT,
      compression: codec,
      ...(idempotent ? { idempotent } : { acks }),
    }),
)

const toMessage = (topic, record) => {
  const message = { topic, key: fromBase64(record.key), value: fromBase64(record.value) }
  const headers = (record.headers ?? []).map(([name, data]) => [Buffer.from(name), fromBase64(data)])
  if (headers.length) message.headers = new Map(headers)
  if (Number.isInteger(record.partition)) message.partition = record.partition
  if (Number.isInteger(record.timestamp)) message.timestamp = BigInt(record.timestamp)
  return message
}

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

/** Sends one call's messages. Offsets of messages whose partition the client chose are not told. */
async function send(made, messages, acks) {
  const { offsets } = await made.send({ messages, acks })
  const next = new Map((offsets ?? []).map(each => [each.partition, Number(each.offset)]))
  return messages.map(({ partition }) => {
    if (!next.has(partition) || next.get(partition) < 0) return null
    const offset = next.get(partition)
    next.set(partition, offset + 1)
    return [partition, offset]
  })
}

async function produce({ bootstrap, topic, records, codec = 'none', acks = -1, idempotent = false, per_second }) {
  const made = producer(bootstrap, codec, acks, idempotent)
  const messages = records.map(record => toMessage(topic, record))
  const offsets = []
  // It keeps no order among calls under way at once, so there is one at a time.
  for await (const ready of paced(messages, per_second)) {
    for (const call of calls(ready)) offsets.push(...(await send(made, call, acks)))
  }
  return { offsets }
}

const fromMessage = ({ topic, partition, offset, timestamp, key, value, headerEntries }) => ({
  topic,
  partition,
  offset: Number(offset),
  timestamp: Number(timestamp),
  key: toBase64(key),
  value: toBase64(value),
  headers: headerEntries.map(([name, data]) => [name.toString(), toBase64(data)]),
})

/** Offset and timestamp of a partition's record at a time, or at one of Kafka's special times. */
async function offsetAt(bootstrap, topic, partition, timestamp) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: BigInt(timestamp) }] }]
  const [found] = (await admin(bootstrap).listOffsets({ topics }))[0].partitions
  return { offset: Number(found.offset), timestamp: Number(found.timestamp) }
}

async function watermarks({ bootstrap, topic, partition }) {
  const beginning = await offsetAt(bootstrap, topic, partition, ListOffsetTimestamps.EARLIEST)
  const end = await offsetAt(bootstrap, topic, partition, ListOffsetTimestamps.LATEST)
  return { beginning: beginning.offset, end: end.offset }
}

async function offsetForTime({ bootstrap, topic, partition, time }) {
  const { offset, timestamp } = await offsetAt(bootstrap, topic, partition, time)
  return offset < 0 ? { offset: null, timestamp: null } : { offset, timestamp }
}

async function startOffset(request) {
  const { start } = request
  if (typeof start === 'number') return start
  if (typeof start === 'object') {
    const { offset } = await offsetForTime({ ...request, time: start.time })
    return offset ?? (await watermarks(request)).end
  }
  return (await watermarks(request))[start]
}

/** Its streams read in groups only: a group of its own for each call, what comes from other partitions is dropped. */
async function consume(request) {
  const { bootstrap, topic, partition, count, timeout_ms } = request
  const deadline = Date.now() + timeout_ms - 2500
  const offsets = [{ topic, partition, offset: BigInt(await startOffset(request)) }]
  const consumer = new Consumer({ ...common(bootstrap), ...PATIENT, groupId: `compat-reader-${randomUUID()}` })
  const options = { topics: [topic], mode: 'manual', offsets, autocommit: false, maxWaitTime: 500 }
  const stream = await consumer.consume(options)
  const records = []
  let failed = null
  stream.on('error', error => {
    failed = error
  })
  stream.on('data', message => {
    if (message.partition === partition && records.length < count) records.push(fromMessage(message))
  })
  await waitUntil(() => failed || records.length >= count, deadline - Date.now())
  await consumer.close(true)
  if (failed) throw failed
  return { records }
}

let member = null

const STRATEGIES = {
  roundrobin: {},
  'cooperative-sticky': {
    protocols: [{ name: 'cooperative-sticky', version: 3 }],
    partitionAssigner: cooperativeStickyAssigner,
  },
}

async function join({ bootstrap, group, topics, strategy, instance_id, session_timeout_ms = 10000 }) {
  const assignor = STRATEGIES[strategy ?? 'roundrobin']
  if (!assignor) throw new NoFeature(`its assignors are ${Object.keys(STRATEGIES).join(', ')}`)
  const consumer = new Consumer({
    ...common(bootstrap),
    ...PATIENT,
    groupId: group,
    sessionTimeout: session_timeout_ms,
    rebalanceTimeout: Math.max(30000, session_timeout_ms),
    heartbeatInterval: Math.min(500, Math.floor(session_timeout_ms / 3)),
    autocommit: false,
    ...assignor,
    ...(instance_id ? { groupInstanceId: instance_id } : {}),
  })
  const joined = { consumer, inbox: new Inbox(), assigned: new Map(), rebalances: 0, epochs: new Map() }
  const has = (topic, partition) => joined.assigned.get(topic)?.includes(partition) ?? false
  const assign = assignments => {
    joined.assigned = new Map((assignments ?? []).map(({ topic, partitions }) => [topic, partitions]))
    joined.inbox.keepPositions(has)
  }
  consumer.on('consumer:group:join', ({ assignments }) => {
    joined.rebalances += 1
    assign(assignments ?? consumer.assignments)
  })
  // A partition that is lost and comes back without a commit goes on where the stream was: whatever it gave counts as
  // handed over.
  const stream = await consumer.consume({
    topics,
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
    maxWaitTime: 500,
  })
  stream.on('error', error => console.error('the stream ended:', error))
  stream.on('data', message => {
    joined.epochs.set(`${message.topic}\0${message.partition}`, message.leaderEpoch)
    joined.inbox.records.push(fromMessage(message))
    if (joined.inbox.records.length < joined.inbox.limit) return
    stream.pause()
    waitUntil(() => joined.inbox.records.length < joined.inbox.limit || stream.destroyed, 3600000).then(() =>
      stream.resume(),
    )
  })
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
  const { assigned, consumer, inbox, epochs } = joinedMember()
  const offsets = inbox.handedOver().filter(([topic, partition]) => assigned.get(topic)?.includes(partition))
  if (offsets.length) {
    const wanted = offsets.map(([topic, partition, offset]) => ({
      topic,
      partition,
      offset: BigInt(offset),
      leaderEpoch: epochs.get(`${topic}\0${partition}`),
    }))
    await consumer.commit({ offsets: wanted })
  }
  return { offsets }
}

async function committed({ topic, partition }) {
  const topics = [{ topic, partitions: [partition] }]
  const found = await joinedMember().consumer.listCommittedOffsets({ topics })
  const offset = Number(found.get(topic)?.[partition] ?? -1)
  return { offset: offset >= 0 ? offset : null }
}

async function leave() {
  const { consumer } = joinedMember()
  member = null
  await consumer.close(true)
}

const CONFIG_TYPES = { topic: 'TOPIC', broker: 'BROKER', group: 'GROUP' }
const configType = type => ConfigResourceTypes[CONFIG_TYPES[type]]
const nameOfType = number => Object.keys(ConfigResourceTypes).find(name => ConfigResourceTypes[name] === number)
const settingsOf = configs => Object.entries(configs ?? {}).map(([name, value]) => ({ name, value: String(value) }))

/** One of the package's API modules, on a connection to a broker. */
async function raw(bootstrap, api, ...args) {
  const connections = await admin(bootstrap).connectToBrokers(null)
  const [connection] = connections.values()
  return platformatic[api].api.async(connection, ...args)
}

async function createTopic({
  bootstrap,
  topic,
  partitions,
  replication_factor = 1,
  configs,
  validate_only,
  timeout_ms,
}) {
  const entries = settingsOf(configs)
  if (validate_only) {
    const numbers = { numPartitions: partitions, replicationFactor: replication_factor }
    const wanted = { name: topic, ...numbers, assignments: [], configs: entries }
    await raw(bootstrap, 'createTopicsV7', [wanted], timeout_ms, true)
    return
  }
  const topics = [{ topic, partitions, replicas: replication_factor }]
  await admin(bootstrap).createTopics({ topics, configs: entries })
}

async function describeTopic({ bootstrap, topic }) {
  const { topics } = await admin(bootstrap).metadata({ topics: [topic], forceUpdate: true })
  const { id, partitions } = topics.get(topic)
  const rows = partitions.map(({ leader, replicas, isr }, partition) => ({ partition, leader, replicas, isr }))
  return { partitions: rows, topic_id: id }
}

async function describeTopicPartitions({ bootstrap, topic, limit }) {
  const rows = []
  let cursor
  do {
    const { topics, nextCursor } = await raw(bootstrap, 'describeTopicPartitionsV0', [{ name: topic }], limit, cursor)
    rows.push(...topics[0].partitions)
    cursor = nextCursor
  } while (cursor)
  const partitions = rows.map(each => ({
    partition: each.partitionIndex,
    leader: each.leaderId,
    replicas: each.replicaNodes,
    isr: each.isrNodes,
  }))
  return { partitions }
}

async function incrementalAlterConfigs({ bootstrap, type, name, ops }) {
  const configs = ops.map(([change, setting, value]) => ({
    name: setting,
    configOperation: CHANGES[change.toUpperCase()],
    ...(change === 'delete' ? {} : { value }),
  }))
  const resources = [{ resourceType: configType(type), resourceName: name, configs }]
  await admin(bootstrap).incrementalAlterConfigs({ resources })
}

async function describeConfigs({ bootstrap, type, name }) {
  const resources = [{ resourceType: configType(type), resourceName: name }]
  const [{ configs }] = await admin(bootstrap).describeConfigs({ resources })
  return { configs: Object.fromEntries(configs.map(each => [each.name, each.value])) }
}

const placesOf = assignments =>
  [...(assignments?.values() ?? [])].flatMap(({ topic, partitions }) => partitions.map(index => [topic, index]))

async function describeGroup({ bootstrap, group }) {
  const { state, protocol, members } = (await admin(bootstrap).describeGroups({ groups: [group] })).get(group)
  const rows = [...members.values()].map(each => ({
    client_id: each.clientId,
    host: each.clientHost,
    instance_id: each.groupInstanceId,
    assignment: placesOf(each.assignments),
  }))
  return { state, protocol, members: rows }
}

async function groupOffsets({ bootstrap, group }) {
  const [{ topics }] = await admin(bootstrap).listConsumerGroupOffsets({ groups: [group] })
  const offsets = topics.flatMap(({ name, partitions }) =>
    partitions.map(each => [name, each.partitionIndex, Number(each.committedOffset)]),
  )
  return { offsets }
}

/** [topic, ...rest] rows as [{ name, [field]: [of each row] }]. */
const byTopic = (rows, field, of) =>
  [...new Set(rows.map(row => row[0]))].map(name => ({ name, [field]: rows.filter(row => row[0] === name).map(of) }))

async function removeMembers({ bootstrap, group, instance_ids }) {
  const { members } = (await admin(bootstrap).describeGroups({ groups: [group] })).get(group)
  const wanted = [...members.values()].filter(each => instance_ids.includes(each.groupInstanceId))
  if (!wanted.length) throw new Refused('no such member', 25)
  const removals = wanted.map(each => ({ memberId: each.id }))
  await admin(bootstrap).removeMembersFromConsumerGroup({ groupId: group, members: removals })
}

async function describeLogDirs({ bootstrap }) {
  const found = await raw(bootstrap, 'describeLogDirsV4', null)
  const dirs = found.results.map(({ logDir, topics }) => ({
    path: logDir,
    partitions: topics.flatMap(({ name, partitions }) =>
      partitions.map(each => [name, each.partitionIndex, Number(each.partitionSize)]),
    ),
  }))
  return { dirs }
}

async function describeProducers({ bootstrap, topic, partition }) {
  const wanted = [{ name: topic, partitionIndexes: [partition] }]
  const { topics } = await raw(bootstrap, 'describeProducersV0', wanted)
  const producers = topics[0].partitions[0].activeProducers.map(each => ({
    producer_id: Number(each.producerId),
    epoch: each.producerEpoch,
    last_sequence: each.lastSequence,
  }))
  return { producers }
}

async function listOffsets({ bootstrap, topic, partition, at }) {
  const special = { earliest: 'EARLIEST', latest: 'LATEST', max_timestamp: 'MAX' }[at]
  return offsetAt(bootstrap, topic, partition, special ? ListOffsetTimestamps[special] : at)
}

const operations = {
  produce,
  consume,
  watermarks,
  offset_for_time: offsetForTime,
  join,
  assignment,
  poll: async ({ wait_ms, max = 500 }) => ({ records: await joinedMember().inbox.take(wait_ms, max) }),
  commit,
  committed,
  leave,
  create_topic: createTopic,
  delete_topic: ({ bootstrap, topic }) => admin(bootstrap).deleteTopics({ topics: [topic] }),
  create_partitions: ({ bootstrap, topic, total }) =>
    admin(bootstrap).createPartitions({ topics: [{ name: topic, count: total }] }),
  list_topics: async ({ bootstrap }) => ({ topics: await admin(bootstrap).listTopics() }),
  describe_topic: describeTopic,
  describe_topic_partitions: describeTopicPartitions,
  describe_configs: describeConfigs,
  alter_configs: async ({ bootstrap, type, name, configs }) => {
    const resources = [{ resourceType: configType(type), resourceName: name, configs: settingsOf(configs) }]
    await admin(bootstrap).alterConfigs({ resources })
  },
  incremental_alter_configs: incrementalAlterConfigs,
  list_config_resources: async ({ bootstrap }) => {
    const { configResources } = await raw(bootstrap, 'listConfigResourcesV1', [])
    return { resources: configResources.map(each => [nameOfType(each.resourceType), each.resourceName]) }
  },
  delete_records: async ({ bootstrap, topic, partition, before }) => {
    const topics = [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }]
    const [found] = await admin(bootstrap).deleteRecords({ topics })
    return { low_watermark: Number(found.partitions[0].lowWatermark) }
  },
  list_offsets: listOffsets,
  list_groups: async ({ bootstrap }) => ({ groups: [...(await admin(bootstrap).listGroups({ types: [] })).keys()] }),
  describe_group: describeGroup,
  delete_group: ({ bootstrap, group }) => admin(bootstrap).deleteGroups({ groups: [group] }),
  group_offsets: groupOffsets,
  alter_group_offsets: async ({ bootstrap, group, offsets }) => {
    const topics = byTopic(offsets, 'partitionOffsets', ([, partition, offset]) => ({
      partition,
      offset: BigInt(offset),
    }))
    await admin(bootstrap).alterConsumerGroupOffsets({ groupId: group, topics })
  },
  delete_group_offsets: async ({ bootstrap, group, partitions }) => {
    const topics = byTopic(partitions, 'partitionIndexes', row => row[1])
    await admin(bootstrap).deleteConsumerGroupOffsets({ groupId: group, topics })
  },
  remove_members: removeMembers,
  describe_cluster: async ({ bootstrap }) => {
    const { clusterId, controllerId, brokers } = await raw(bootstrap, 'describeClusterV1', false, 1)
    return { cluster_id: clusterId, controller: controllerId, brokers: brokers.map(each => each.brokerId) }
  },
  describe_log_dirs: describeLogDirs,
  describe_producers: describeProducers,
  describe_features: async ({ bootstrap }) => {
    const { supportedFeatures } = await raw(bootstrap, 'apiVersionsV4', 'compat', '1')
    return { features: supportedFeatures.map(each => each.name) }
  },
  api_versions: async ({ bootstrap }) => {
    const apis = await admin(bootstrap).listApis()
    return { apis: apis.map(each => [each.apiKey, each.minVersion, each.maxVersion]) }
  },
}

async function close() {
  if (member) await leave()
  for (const each of await producer.all()) await each.close(true)
  for (const each of await admin.all()) await each.close()
}

await serve('@platformatic/kafka', versionOf('@platformatic/kafka'), operations, close)
