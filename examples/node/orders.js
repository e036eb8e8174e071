// Counts what customers order: the code under test.

/** Write an order, keyed by its customer. */
export async function place(producer, topic, customer, item) {
  await producer.send({ topic, messages: [{ key: customer, value: item }] });
}

/** Read until as many orders were seen as wanted, and return how many each customer placed. */
export async function count(consumer, topic, wanted) {
  const counts = {};
  let seen = 0;
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          const customer = message.key.toString();
          counts[customer] = (counts[customer] ?? 0) + 1;
          if (++seen === wanted) resolve();
        },
      })
      .catch(reject);
  });
  return counts;
}
