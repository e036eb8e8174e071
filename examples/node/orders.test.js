import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import kafkajs from "kafkajs";

import { startBroker } from "./broker.js";
import { count, place } from "./orders.js";

let broker;
let kafka;

before(async () => {
  broker = await startBroker();
  kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.ERROR });
});

after(() => broker.stop());

test("orders are counted", async (t) => {
  const topic = "orders-are-counted"; // a topic for each test: they may run side by side
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: topic });
  t.after(() => Promise.all([producer.disconnect(), consumer.disconnect()]));
  await Promise.all([producer.connect(), consumer.connect()]);

  for (const customer of ["anna", "ben", "anna"]) {
    await place(producer, topic, customer, "tea");
  }
  assert.deepEqual(await count(consumer, topic, 3), { anna: 2, ben: 1 });
});
