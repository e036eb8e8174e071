//! The driver of rskafka (the protocol: compat/README.md), a client without groups: one partition at a time.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[path = "../../protocol.rs"]
mod protocol;

use protocol::{Answer, Failure, Request, Sent, base64, none};

/// It sends what one call gets as one batch: calls as large as an application would make.
const CALL_BYTES: usize = 256 * 1024;
const CALL_RECORDS: usize = 1000;
const FETCH_BYTES: i32 = 4 * 1024 * 1024;

fn code_of(error: &ProtocolError) -> Option<i32> {
    (0..150).find(|code| ProtocolError::new(*code).as_ref() == Some(error)).map(i32::from)
}

fn failed(error: Error) -> Failure {
    let code = match &error {
        Error::ServerError { protocol_error, .. } => code_of(protocol_error),
        _ => None,
    };
    Failure::Error { message: error.to_string(), code }
}

struct Driver {
    runtime: Runtime,
    client: Option<Client>,
    partitions: HashMap<(String, i32), Arc<PartitionClient>>,
}

impl Driver {
    /// Waits for what the client does, for as long as the request allows.
    fn wait<T>(&self, request: &Request, doing: impl Future<Output = Result<T, Error>>) -> Answer<T> {
        let left = request.left();
        self.runtime.block_on(async {
            match tokio::time::timeout(left, doing).await {
                Ok(found) => found.map_err(failed),
                Err(_) => Err(protocol::error("timed out")),
            }
        })
    }

    fn connect(&mut self, request: &Request) -> Answer<()> {
        if self.client.is_none() {
            let backoff = BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                ..Default::default()
            };
            let builder = ClientBuilder::new(vec![request.text("bootstrap").to_owned()]);
            let building = builder.client_id("compat").backoff_config(backoff).build();
            self.client = Some(self.wait(request, building)?);
        }
        Ok(())
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("connected before")
    }

    fn partition(&mut self, request: &Request, partition: i32) -> Answer<Arc<PartitionClient>> {
        let key = (request.text("topic").to_owned(), partition);
        if !self.partitions.contains_key(&key) {
            let opening = self.client().partition_client(key.0.clone(), partition, UnknownTopicHandling::Error);
            let opened = Arc::new(self.wait(request, opening)?);
            self.partitions.insert(key.clone(), opened);
        }
        Ok(Arc::clone(&self.partitions[&key]))
    }

    fn produce(&mut self, request: &Request) -> Answer {
        let codec = match request.optional_text("codec").unwrap_or("none") {
            "none" => Compression::NoCompression,
            "gzip" => Compression::Gzip,
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4,
            "zstd" => Compression::Zstd,
            other => return none(format!("no codec {other}")),
        };
        if request.number("acks").unwrap_or(-1) != -1 {
            return none("it always asks for acks=all");
        }
        if request.flag("idempotent") {
            return none("no idempotent producer in rskafka");
        }
        let records = request.records();
        for record in &records {
            check(record)?;
        }
        let mut offsets: Vec<Value> = Vec::new();
        protocol::paced(&records, request.number("per_second"), |ready| {
            offsets.extend(self.send(request, ready, codec)?);
            Ok(())
        })?;
        Ok(json!({"offsets": offsets}))
    }

    /// Sends the records of each partition in calls of its own; gives their places in the order of the records.
    fn send(&mut self, request: &Request, records: &[Sent], codec: Compression) -> Answer<Vec<Value>> {
        let mut places = vec![Value::Null; records.len()];
        let mut by_partition: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            by_partition.entry(record.partition.expect("checked")).or_default().push(index);
        }
        for (partition, indexes) in by_partition {
            let client = self.partition(request, partition)?;
            for call in calls(records, &indexes) {
                let batch = call.iter().map(|index| to_record(&records[*index])).collect();
                let offsets = self.wait(request, client.produce(batch, codec))?;
                for (index, offset) in call.iter().zip(offsets) {
                    places[*index] = json!([partition, offset]);
                }
            }
        }
        Ok(places)
    }

    fn offset(&mut self, request: &Request, at: OffsetAt) -> Answer<i64> {
        let client = self.partition(request, request.partition())?;
        self.wait(request, client.get_offset(at))
    }

    fn start_offset(&mut self, request: &Request) -> Answer<i64> {
        let start = request.get("start");
        if let Some(offset) = start.as_i64() {
            return Ok(offset);
        }
        match start["time"].as_i64() {
            Some(time) => match self.offset(request, OffsetAt::Timestamp(moment(time)))? {
                -1 => self.offset(request, OffsetAt::Latest),
                offset => Ok(offset),
            },
            None if start == "end" => self.offset(request, OffsetAt::Latest),
            None => self.offset(request, OffsetAt::Earliest),
        }
    }

    fn consume(&mut self, request: &Request) -> Answer {
        let mut next = self.start_offset(request)?;
        let count = request.number("count").unwrap_or(1) as usize;
        let client = self.partition(request, request.partition())?;
        let mut rows = Vec::new();
        while rows.len() < count && request.left() > Duration::from_secs(2) {
            let (found, _) = self.wait(request, client.fetch_records(next, 1..FETCH_BYTES, 500))?;
            for each in found.into_iter().take(count - rows.len()) {
                next = each.offset + 1;
                rows.push(from_record(request, each));
            }
        }
        Ok(json!({"records": rows}))
    }

    fn list_offsets(&mut self, request: &Request) -> Answer {
        let at = match (request.get("at").as_i64(), request.text("at")) {
            (Some(time), _) => OffsetAt::Timestamp(moment(time)),
            (None, "earliest") => OffsetAt::Earliest,
            (None, "latest") => OffsetAt::Latest,
            _ => return none("no search for the largest timestamp in rskafka"),
        };
        Ok(json!({"offset": self.offset(request, at)?}))
    }

    fn create_topic(&mut self, request: &Request) -> Answer {
        if request.flag("validate_only") {
            return none("create_topic has no validate-only");
        }
        if !request.settings("configs").is_empty() {
            return none("create_topic takes no settings");
        }
        let controller = self.client().controller_client().map_err(failed)?;
        let partitions = request.number("partitions").unwrap_or(1) as i32;
        let factor = request.number("replication_factor").unwrap_or(1) as i16;
        let timeout = request.left().as_millis() as i32;
        self.wait(request, controller.create_topic(request.text("topic"), partitions, factor, timeout))?;
        Ok(json!({}))
    }

    fn delete_topic(&mut self, request: &Request) -> Answer {
        let controller = self.client().controller_client().map_err(failed)?;
        let timeout = request.left().as_millis() as i32;
        self.wait(request, controller.delete_topic(request.text("topic"), timeout))?;
        Ok(json!({}))
    }

    fn delete_records(&mut self, request: &Request) -> Answer {
        let client = self.partition(request, request.partition())?;
        let timeout = request.left().as_millis() as i32;
        self.wait(request, client.delete_records(request.number("before").unwrap_or(0), timeout))?;
        Ok(json!({}))
    }

    fn handle(&mut self, operation: &str, request: &Request) -> Answer {
        self.connect(request)?;
        match operation {
            "produce" => self.produce(request),
            "consume" => self.consume(request),
            "watermarks" => Ok(json!({
                "beginning": self.offset(request, OffsetAt::Earliest)?,
                "end": self.offset(request, OffsetAt::Latest)?,
            })),
            "offset_for_time" => {
                let time = moment(request.number("time").unwrap_or(0));
                let offset = self.offset(request, OffsetAt::Timestamp(time))?;
                Ok(json!({"offset": (offset >= 0).then_some(offset)}))
            }
            "join" => none("no consumer groups in rskafka"),
            "create_topic" => self.create_topic(request),
            "delete_topic" => self.delete_topic(request),
            "list_topics" => {
                let topics = self.wait(request, self.client().list_topics())?;
                Ok(json!({"topics": topics.into_iter().map(|topic| topic.name).collect::<Vec<_>>()}))
            }
            "delete_records" => self.delete_records(request),
            "list_offsets" => self.list_offsets(request),
            other => none(format!("the client has no {other}")),
        }
    }
}

fn moment(time: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time).expect("a time of this age")
}

fn check(record: &Sent) -> Answer<()> {
    if record.partition.is_none() {
        return none("no partitioner in rskafka");
    }
    if record.headers.iter().any(|(_, data)| data.is_none()) {
        return none("a header value cannot be null");
    }
    let names: Vec<&String> = record.headers.iter().map(|(name, _)| name).collect();
    if !names.is_sorted_by(|left, right| left < right) {
        return none("headers are a sorted map: one value for a name, in the order of the names");
    }
    Ok(())
}

fn calls(records: &[Sent], indexes: &[usize]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for index in indexes {
        let size = records[*index].size();
        let full = found.last().is_none_or(|call| call.len() >= CALL_RECORDS || bytes + size > CALL_BYTES);
        if full {
            found.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        found.last_mut().expect("just made").push(*index);
    }
    found
}

fn to_record(sent: &Sent) -> Record {
    let headers = sent.headers.iter().map(|(name, data)| (name.clone(), data.clone().expect("checked")));
    Record {
        key: sent.key.clone(),
        value: sent.value.clone(),
        headers: headers.collect(),
        timestamp: sent.timestamp.map_or_else(Utc::now, moment),
    }
}

fn from_record(request: &Request, found: RecordAndOffset) -> Value {
    let record = found.record;
    let headers = record.headers.iter().map(|(name, data)| json!([name, base64(Some(data))]));
    json!({
        "topic": request.text("topic"),
        "partition": request.partition(),
        "offset": found.offset,
        "timestamp": record.timestamp.timestamp_millis(),
        "key": base64(record.key.as_deref()),
        "value": base64(record.value.as_deref()),
        "headers": headers.collect::<Vec<_>>(),
    })
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let mut driver = Driver { runtime, client: None, partitions: HashMap::new() };
    let version = protocol::version_in(include_str!("../Cargo.lock"), "rskafka");
    protocol::serve("rskafka", version, |operation, request| driver.handle(operation, request));
}
