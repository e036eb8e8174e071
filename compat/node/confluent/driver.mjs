// The driver of @confluentinc/kafka-javascript (the protocol: compat/README.md).
//
// A group's member is a consumer of its promise API (the one in KafkaJS's style); producers, reading without a group
// and admin calls use its RdKafka API, which has more of them.

import {
  fromBase64,
  Inbox,
  installed,
  NoFeature,
  paced,
  remembered,
  serve,
  toBase64,
  versionOf,
  waitUntil,
} from '../protocol.mjs'

const confluent = installed('@confluentinc/kafka-javascript')
const { AdminClient, CODES, ConsumerGroupStates, KafkaConsumer, KafkaJS, OffsetSpec, Producer } = confluent
const { ERR__ASSIGN_PARTITIONS } = CODES.ERRORS

const common = bootstrap => ({
  'client.id': 'compat',
  'bootstrap.servers': bootstrap,
  'metadata.max.age.ms': 6000,
  'topic.metadata.refresh.interval.ms': 2000,
  'reconnect.backoff.max.ms': 1000,
  'allow.auto.create.topics': false,
})

/** Calls a method whose last argument is a callback. */
const called = (object, method, ...args) =>
  new Promise((resolve, reject) => object[method](...args, (error, found) => (error ? reject(error) : resolve(found))))

const connected = client => {
  client.on('event.error', error => console.error(error))
  return called(client, 'connect', {}).then(() => client)
}

const producer = remembered(async (bootstrap, codec, acks, idempotent) => {
  const made = new Producer({
    ...common(bootstrap),
    'compression.codec': codec,
    'enable.idempotence': idempotent,
    'request.required.acks': acks,
    'message.max.bytes': 4 * 1024 * 1024,
    dr_cb: true,
  })
  made.setPollInterval(10)
  made.on('delivery-report', (error, report) => report.opaque(error, report))
  return connected(made)
})

async function send(made, topic, record) {
  const headers = (record.headers ?? []).map(([name, data]) => ({ [name]: fromBase64(data) }))
  const report = await new Promise((resolve, reject) => {
    const done = (error, found) => (error ? reject(error) : resolve(found))
    const key = fromBase64(record.key)
    made.produce(topic, record.partition ?? null, fromBase64(record.value), key, record.timestamp, done, headers)
  })
  return report.offset >= 0 ? [report.partition, report.offset] : null
}

async function produce({ bootstrap, topic, records, codec = 'none', acks = -1, idempotent = false, per_second }) {
  if (records.some(record => (record.headers ?? []).some(([, data]) => data === null))) {
    throw new NoFeature('a header value has to be a string or a buffer')
  }
  const made = await producer(bootstrap, codec, acks, idempotent)
  const coming = []
  for await (const ready of paced(records, per_second)) coming.push(...ready.map(each => send(made, topic, each)))
  return { offsets: await Promise.all(coming) }
}

const reader = remembered(async bootstrap => {
  const settings = { ...common(bootstrap), 'group.id': 'compat-reader', 'enable.auto.commit': false }
  const made = await connected(new KafkaConsumer(settings, { 'auto.offset.reset': 'earliest' }))
  made.setDefaultConsumeTimeout(50)
  return made
})

const headersOf = headers =>
  (headers ?? []).flatMap(each => Object.entries(each).map(([name, data]) => [name, toBase64(data)]))

const fromMessage = ({ topic, partition, offset, timestamp, key, value, headers }) => ({
  topic,
  partition,
  offset,
  timestamp,
  key: toBase64(key),
  value: toBase64(value),
  headers: headersOf(headers),
})

async function watermarks({ bootstrap, topic, partition, timeout_ms }) {
  const made = await reader(bootstrap)
  const { lowOffset, highOffset } = await called(made, 'queryWatermarkOffsets', topic, partition, timeout_ms)
  return { beginning: lowOffset, end: highOffset }
}

async function searched({ bootstrap, topic, partition, timeout_ms }, time) {
  const wanted = [{ topic, partition, offset: time }]
  const [{ offset }] = await called(await reader(bootstrap), 'offsetsForTimes', wanted, timeout_ms)
  return offset >= 0 ? offset : null
}

async function startOffset(request) {
  const { start } = request
  if (typeof start === 'number') return start
  const marks = await watermarks(request)
  if (typeof start === 'object') return (await searched(request, start.time)) ?? marks.end
  return marks[start]
}

async function consume(request) {
  const { bootstrap, topic, partition, count, timeout_ms } = request
  const deadline = Date.now() + timeout_ms - 1000
  const made = await reader(bootstrap)
  made.assign([{ topic, partition, offset: await startOffset(request) }])
  const records = []
  try {
    while (records.length < count && Date.now() < deadline) {
      records.push(...(await called(made, 'consume', Math.min(500, count - records.length))))
    }
  } finally {
    made.unassign()
  }
  return { records: records.map(fromMessage) }
}

let member = null

const ASSIGNORS = ['range', 'roundrobin', 'cooperative-sticky']

async function join({ bootstrap, group, topics, strategy, instance_id, session_timeout_ms = 10000 }) {
  if (strategy && !ASSIGNORS.includes(strategy)) throw new NoFeature(`its assignors are ${ASSIGNORS.join(', ')}`)
  const joined = { inbox: new Inbox(), rebalances: 0, generation: 0 }
  const settings = {
    ...common(bootstrap),
    'group.id': group,
    'session.timeout.ms': session_timeout_ms,
    'heartbeat.interval.ms': Math.min(500, session_timeout_ms / 3),
    'enable.auto.commit': false,
    'auto.offset.reset': 'earliest',
    rebalance_cb: (error, partitions) => {
      if (error.code === ERR__ASSIGN_PARTITIONS) {
        joined.rebalances += 1
        return
      }
      joined.generation += 1
      const gone = new Set(partitions.map(({ topic, partition }) => `${topic}\0${partition}`))
      joined.inbox.keepOnly((topic, partition) => !gone.has(`${topic}\0${partition}`))
    },
  }
  if (strategy) settings['partition.assignment.strategy'] = strategy
  if (instance_id) settings['group.instance.id'] = instance_id
  const consumer = new KafkaJS.Kafka({}).consumer(settings)
  joined.consumer = consumer
  await consumer.connect()
  await consumer.subscribe({ topics })
  const has = (topic, partition) =>
    consumer.assignment().some(each => each.topic === topic && each.partition === partition)
  const eachBatch = async ({ batch, resolveOffset, isStale }) => {
    const { generation } = joined
    for (const message of batch.messages) {
      const gone = () => isStale() || (generation !== joined.generation && !has(batch.topic, batch.partition))
      await joined.inbox.put(fromPromised(batch.topic, batch.partition, message), gone)
      if (gone()) return
      resolveOffset(message.offset)
    }
  }
  await consumer.run({ eachBatch, eachBatchAutoResolve: false })
  member = joined
}

const fromPromised = (topic, partition, message) => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestamp: Number(message.timestamp),
  key: toBase64(message.key),
  value: toBase64(message.value),
  headers: Object.entries(message.headers ?? {}).flatMap(([name, data]) =>
    [data].flat().map(each => [name, toBase64(each)]),
  ),
})

function joinedMember() {
  if (!member) throw new Error('no member has joined')
  return member
}

const FIELDS = ['topic', 'partition', 'offset']

async function commit() {
  const { consumer, inbox } = joinedMember()
  const mine = new Set(consumer.assignment().map(({ topic, partition }) => `${topic}\0${partition}`))
  const offsets = inbox.handedOver().filter(([topic, partition]) => mine.has(`${topic}\0${partition}`))
  if (offsets.length) {
    const wanted = offsets.map(([topic, partition, offset]) => ({ topic, partition, offset: String(offset) }))
    // That resolves when the commit is sent, and nobody is told when it is refused (in a rebalance, say): ask, and do
    // it again.
    const done = async () => {
      const found = await consumer.committed(
        wanted.map(({ topic, partition }) => ({ topic, partition })),
        5000,
      )
      return wanted.every(each => found.some(has => FIELDS.every(name => String(has[name]) === String(each[name]))))
    }
    do await consumer.commitOffsets(wanted)
    while (!(await waitUntil(done, 1000, 50)))
  }
  return { offsets }
}

async function committed({ topic, partition, timeout_ms }) {
  const [found] = await joinedMember().consumer.committed([{ topic, partition }], timeout_ms)
  const offset = Number(found.offset)
  return { offset: Number.isInteger(offset) && offset >= 0 ? offset : null }
}

async function leave() {
  const { consumer } = joinedMember()
  member = null
  await consumer.disconnect()
}

const admin = remembered(bootstrap => {
  const made = AdminClient.create(common(bootstrap))
  made.on('event.error', error => console.error(error))
  return made
})

const call = (request, method, ...args) => called(admin(request.bootstrap), method, ...args)

/** The first result of a list, or the error it holds. */
const only = results => {
  if (results[0]?.error) throw results[0].error
  return results[0]
}

async function createTopic(request) {
  const { topic, partitions, replication_factor = 1, configs, validate_only, timeout_ms } = request
  if (validate_only) throw new NoFeature('createTopic has no validate-only')
  const settings = Object.fromEntries(Object.entries(configs ?? {}).map(([name, value]) => [name, String(value)]))
  const wanted = { topic, num_partitions: partitions, replication_factor, config: settings }
  await call(request, 'createTopic', wanted, timeout_ms)
}

const idsOf = nodes => nodes.map(node => node.id)

async function describeTopic(request) {
  const found = only(await call(request, 'describeTopics', [request.topic], { timeout: request.timeout_ms }))
  const partitions = found.partitions.map(({ partition, leader, replicas, isr }) => ({
    partition,
    leader: leader?.id ?? null,
    replicas: idsOf(replicas),
    isr: idsOf(isr),
  }))
  return { partitions, topic_id: found.topicId?.base64str ?? null }
}

const pairsOf = partitions => (partitions ?? []).map(({ topic, partition }) => [topic, partition])

async function describeGroup(request) {
  const { groups } = await call(request, 'describeGroups', [request.group], { timeout: request.timeout_ms })
  const { state, protocol, partitionAssignor, members } = only(groups)
  const name = Object.entries(ConsumerGroupStates).find(([, number]) => number === state)[0]
  return {
    state: name.replaceAll('_', ''),
    protocol: protocol ?? partitionAssignor,
    members: members.map(each => ({
      client_id: each.clientId,
      host: each.clientHost,
      instance_id: each.groupInstanceId ?? null,
      assignment: pairsOf(each.assignment.topicPartitions),
    })),
  }
}

async function groupOffsets(request) {
  const wanted = [{ groupId: request.group }]
  const { partitions } = only(await call(request, 'listConsumerGroupOffsets', wanted, { timeout: request.timeout_ms }))
  return {
    offsets: partitions.filter(each => each.offset >= 0).map(each => [each.topic, each.partition, each.offset]),
  }
}

const AT = { earliest: OffsetSpec.EARLIEST, latest: OffsetSpec.LATEST, max_timestamp: OffsetSpec.MAX_TIMESTAMP }

async function listOffsets(request) {
  const { topic, partition, at, timeout_ms } = request
  const wanted = [{ topic, partition, offset: AT[at] ?? new OffsetSpec(at) }]
  const { offset, timestamp } = only(await call(request, 'listOffsets', wanted, { timeout: timeout_ms }))
  return { offset, timestamp }
}

const operations = {
  produce,
  consume,
  watermarks,
  offset_for_time: async request => ({ offset: await searched(request, request.time), timestamp: null }),
  join,
  assignment: async () => {
    const { consumer, rebalances } = joinedMember()
    return { partitions: pairsOf(consumer.assignment()), rebalances }
  },
  poll: async ({ wait_ms, max = 500 }) => ({ records: await joinedMember().inbox.take(wait_ms, max) }),
  commit,
  committed,
  leave,
  create_topic: createTopic,
  delete_topic: request => call(request, 'deleteTopic', request.topic, request.timeout_ms),
  create_partitions: request => call(request, 'createPartitions', request.topic, request.total, request.timeout_ms),
  list_topics: async request => ({ topics: await call(request, 'listTopics', { timeout: request.timeout_ms }) }),
  describe_topic: describeTopic,
  delete_records: async request => {
    const wanted = [{ topic: request.topic, partition: request.partition, offset: request.before }]
    const found = only(await call(request, 'deleteRecords', wanted, { timeout: request.timeout_ms }))
    return { low_watermark: found.lowWatermark }
  },
  list_offsets: listOffsets,
  list_groups: async request => {
    const { groups } = await call(request, 'listGroups', { timeout: request.timeout_ms })
    return { groups: groups.map(each => each.groupId) }
  },
  describe_group: describeGroup,
  delete_group: async request => {
    only(await call(request, 'deleteGroups', [request.group], { timeout: request.timeout_ms }))
  },
  group_offsets: groupOffsets,
  describe_cluster: async request => {
    const made = await reader(request.bootstrap)
    const { brokers } = await called(made, 'getMetadata', { timeout: request.timeout_ms })
    return { cluster_id: null, controller: null, brokers: idsOf(brokers) }
  },
}

async function close() {
  if (member) await leave()
  for (const each of await producer.all()) await called(each, 'disconnect', 1000)
  for (const each of await reader.all()) await called(each, 'disconnect')
  for (const each of await admin.all()) each.disconnect()
}

await serve('@confluentinc/kafka-javascript', versionOf('@confluentinc/kafka-javascript'), operations, close)
