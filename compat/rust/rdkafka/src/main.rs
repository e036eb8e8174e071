//! The driver of the crate rdkafka (the protocol: compat/README.md), with the librdkafka that it builds.

mod admin;
mod member;
#[path = "../../protocol.rs"]
mod protocol;
mod reader;
mod writer;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use protocol::{Answer, Failure, Request, none};

/// What all clients of this process are configured with.
pub fn config(request: &Request) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "compat")
        .set("bootstrap.servers", request.text("bootstrap"))
        .set("metadata.max.age.ms", "6000")
        .set("topic.metadata.refresh.interval.ms", "2000")
        .set("reconnect.backoff.max.ms", "1000")
        .set("allow.auto.create.topics", "false");
    config
}

pub fn failed(error: KafkaError) -> Failure {
    let code = error.rdkafka_error_code().and_then(kafka_code);
    Failure::Error { message: error.to_string(), code }
}

pub fn refused(code: RDKafkaErrorCode) -> Failure {
    Failure::Error { message: code.to_string(), code: kafka_code(code) }
}

/// Kafka's number; librdkafka's own errors have negative ones.
fn kafka_code(code: RDKafkaErrorCode) -> Option<i32> {
    let number = code as i32;
    (number > 0).then_some(number)
}

#[derive(Default)]
struct Driver {
    writers: writer::Writers,
    reader: Option<reader::Reader>,
    admin: Option<admin::Admin>,
    member: Option<member::Member>,
}

impl Driver {
    fn reader(&mut self, request: &Request) -> Answer<&reader::Reader> {
        if self.reader.is_none() {
            self.reader = Some(reader::Reader::new(request)?);
        }
        Ok(self.reader.as_ref().expect("just made"))
    }

    fn admin(&mut self, request: &Request) -> Answer<&admin::Admin> {
        if self.admin.is_none() {
            self.admin = Some(admin::Admin::new(request)?);
        }
        Ok(self.admin.as_ref().expect("just made"))
    }

    fn member(&self) -> Answer<&member::Member> {
        self.member.as_ref().ok_or_else(|| protocol::error("no member has joined"))
    }

    fn handle(&mut self, operation: &str, request: &Request) -> Answer {
        match operation {
            "produce" => self.writers.produce(request),
            "consume" => self.reader(request)?.consume(request),
            "watermarks" => self.reader(request)?.watermarks(request),
            "offset_for_time" => self.reader(request)?.offset_for_time(request),
            "join" => {
                self.member = Some(member::Member::join(request)?);
                Ok(serde_json::json!({}))
            }
            "assignment" => self.member()?.assignment(),
            "poll" => self.member()?.poll(request),
            "commit" => self.member()?.commit(),
            "committed" => self.member()?.committed(request),
            "leave" => {
                self.member()?;
                self.member = None;
                Ok(serde_json::json!({}))
            }
            "create_topic" => self.admin(request)?.create_topic(request),
            "delete_topic" => self.admin(request)?.delete_topic(request),
            "create_partitions" => self.admin(request)?.create_partitions(request),
            "list_topics" => self.admin(request)?.list_topics(request),
            "describe_topic" => self.admin(request)?.describe_topic(request),
            "describe_configs" => self.admin(request)?.describe_configs(request),
            "alter_configs" => self.admin(request)?.alter_configs(request),
            "delete_records" => self.admin(request)?.delete_records(request),
            "list_groups" => self.admin(request)?.list_groups(request),
            "describe_group" => self.admin(request)?.describe_group(request),
            "delete_group" => self.admin(request)?.delete_group(request),
            "describe_cluster" => self.admin(request)?.describe_cluster(request),
            other => none(format!("the client has no {other}")),
        }
    }
}

fn main() {
    let mut driver = Driver::default();
    let version = protocol::version_in(include_str!("../Cargo.lock"), "rdkafka");
    let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
    let version = format!("{version} (librdkafka {librdkafka})");
    protocol::serve("rdkafka", &version, |operation, request| driver.handle(operation, request));
}
