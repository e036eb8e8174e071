//! Producers: one for each codec, acks and idempotence.

use std::collections::HashMap;
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use serde_json::{Value, json};

use crate::protocol::{self, Answer, Request, Sent};
use crate::{config, failed};

#[derive(Default)]
pub struct Writers(HashMap<(String, i64, bool), FutureProducer>);

impl Writers {
    fn producer(&mut self, request: &Request) -> Answer<FutureProducer> {
        let codec = request.optional_text("codec").unwrap_or("none").to_owned();
        let acks = request.number("acks").unwrap_or(-1);
        let idempotent = request.flag("idempotent");
        let key = (codec.clone(), acks, idempotent);
        if !self.0.contains_key(&key) {
            let mut config = config(request);
            config
                .set("compression.codec", codec)
                .set("request.required.acks", acks.to_string())
                .set("enable.idempotence", idempotent.to_string())
                .set("message.max.bytes", "4194304");
            self.0.insert(key.clone(), config.create().map_err(failed)?);
        }
        Ok(self.0[&key].clone())
    }

    pub fn produce(&mut self, request: &Request) -> Answer {
        let producer = self.producer(request)?;
        let topic = request.text("topic");
        let records = request.records();
        let mut coming = Vec::new();
        protocol::paced(&records, request.number("per_second"), |ready| {
            for record in ready {
                coming.push(enqueue(&producer, topic, record)?);
            }
            Ok(())
        })?;
        let mut offsets = Vec::new();
        for each in coming {
            let done = block_on(each).map_err(protocol::error)?.map_err(|(error, _)| failed(error))?;
            offsets.push(if done.offset >= 0 { json!([done.partition, done.offset]) } else { Value::Null });
        }
        Ok(json!({"offsets": offsets}))
    }
}

fn enqueue(producer: &FutureProducer, topic: &str, record: &Sent) -> Answer<DeliveryFuture> {
    let mut headers = OwnedHeaders::new();
    for (name, data) in &record.headers {
        headers = headers.insert(Header { key: name, value: data.as_ref() });
    }
    let mut message: FutureRecord<'_, Vec<u8>, Vec<u8>> = FutureRecord::to(topic);
    message.key = record.key.as_ref();
    message.payload = record.value.as_ref();
    message.partition = record.partition;
    message.timestamp = record.timestamp;
    message.headers = (!record.headers.is_empty()).then_some(headers);
    loop {
        match producer.send_result(message) {
            Ok(coming) => return Ok(coming),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                std::thread::sleep(Duration::from_millis(20));
                message = back;
            }
            Err((error, _)) => return Err(failed(error)),
        }
    }
}
