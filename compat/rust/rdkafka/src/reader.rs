//! Reading a partition without a group.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::protocol::{Answer, Request, base64};
use crate::{config, failed};

pub struct Reader(BaseConsumer);

impl Reader {
    pub fn new(request: &Request) -> Answer<Self> {
        let mut config = config(request);
        config.set("group.id", "compat-reader").set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
        Ok(Self(config.create().map_err(failed)?))
    }

    fn marks(&self, request: &Request) -> Answer<(i64, i64)> {
        let (topic, partition) = (request.text("topic"), request.partition());
        self.0.fetch_watermarks(topic, partition, request.left()).map_err(failed)
    }

    pub fn watermarks(&self, request: &Request) -> Answer {
        let (beginning, end) = self.marks(request)?;
        Ok(json!({"beginning": beginning, "end": end}))
    }

    fn searched(&self, request: &Request, time: i64) -> Answer<Option<i64>> {
        let wanted = place(request, Offset::Offset(time))?;
        let found = self.0.offsets_for_times(wanted, request.left()).map_err(failed)?;
        let element = &found.elements()[0];
        element.error().map_err(failed)?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        })
    }

    pub fn offset_for_time(&self, request: &Request) -> Answer {
        Ok(json!({"offset": self.searched(request, request.number("time").unwrap_or(0))?}))
    }

    fn start_offset(&self, request: &Request) -> Answer<i64> {
        let start = request.get("start");
        if let Some(offset) = start.as_i64() {
            return Ok(offset);
        }
        let (beginning, end) = self.marks(request)?;
        match start["time"].as_i64() {
            Some(time) => Ok(self.searched(request, time)?.unwrap_or(end)),
            None if start == "end" => Ok(end),
            None => Ok(beginning),
        }
    }

    pub fn consume(&self, request: &Request) -> Answer {
        let start = self.start_offset(request)?;
        self.0.assign(&place(request, Offset::Offset(start))?).map_err(failed)?;
        let count = request.number("count").unwrap_or(1) as usize;
        let mut rows = Vec::new();
        while rows.len() < count && request.left() > Duration::from_secs(1) {
            match self.0.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => rows.push(row(&message)),
                // Errors of connections: it goes on by itself.
                Some(Err(error)) => eprintln!("{error}"),
                None => {}
            }
        }
        self.0.unassign().map_err(failed)?;
        Ok(json!({"records": rows}))
    }
}

fn place(request: &Request, offset: Offset) -> Answer<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(request.text("topic"), request.partition(), offset).map_err(failed)?;
    Ok(list)
}

/// A record as the protocol has it.
pub fn row(message: &BorrowedMessage<'_>) -> Value {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    json!({
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp().to_millis(),
        "key": base64(message.key()),
        "value": base64(message.payload()),
        "headers": headers.map(|each| json!([each.key, base64(each.value)])).collect::<Vec<_>>(),
    })
}
