//! The admin calls that the crate has.

use futures::executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::groups::GroupInfo;
use rdkafka::metadata::Metadata;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Map, Value, json};

use crate::protocol::{self, Answer, Request, none};
use crate::{config, failed, refused};

pub struct Admin(AdminClient<DefaultClientContext>);

fn options(request: &Request) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(request.left()))
        .operation_timeout(Some(request.left()))
        .validate_only(request.flag("validate_only"))
}

/// The answer for the one topic or group that was asked for.
fn only<T>(results: Vec<Result<T, (String, rdkafka::types::RDKafkaErrorCode)>>) -> Answer {
    for result in results {
        result.map_err(|(_, code)| refused(code))?;
    }
    Ok(json!({}))
}

fn resource<'a>(request: &'a Request) -> Answer<ResourceSpecifier<'a>> {
    let name = request.text("name");
    match request.text("type") {
        "topic" => Ok(ResourceSpecifier::Topic(name)),
        "group" => Ok(ResourceSpecifier::Group(name)),
        "broker" => Ok(ResourceSpecifier::Broker(name.parse().map_err(protocol::error)?)),
        other => none(format!("no settings of a {other}")),
    }
}

impl Admin {
    pub fn new(request: &Request) -> Answer<Self> {
        Ok(Self(config(request).create().map_err(failed)?))
    }

    pub fn create_topic(&self, request: &Request) -> Answer {
        let settings = request.settings("configs");
        let factor = request.number("replication_factor").unwrap_or(1) as i32;
        let partitions = request.number("partitions").unwrap_or(1) as i32;
        let mut topic = NewTopic::new(request.text("topic"), partitions, TopicReplication::Fixed(factor));
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        only(block_on(self.0.create_topics([&topic], &options(request))).map_err(failed)?)
    }

    pub fn delete_topic(&self, request: &Request) -> Answer {
        only(block_on(self.0.delete_topics(&[request.text("topic")], &options(request))).map_err(failed)?)
    }

    pub fn create_partitions(&self, request: &Request) -> Answer {
        let wanted = NewPartitions::new(request.text("topic"), request.number("total").unwrap_or(1) as usize);
        only(block_on(self.0.create_partitions([&wanted], &options(request))).map_err(failed)?)
    }

    pub fn delete_records(&self, request: &Request) -> Answer {
        let mut list = TopicPartitionList::new();
        // -1, all there is, is librdkafka's number of the end too.
        let before = Offset::from_raw(request.number("before").unwrap_or(0));
        list.add_partition_offset(request.text("topic"), request.partition(), before).map_err(failed)?;
        let found = block_on(self.0.delete_records(&list, &options(request))).map_err(failed)?;
        let element = &found.elements()[0];
        element.error().map_err(failed)?;
        Ok(json!({"low_watermark": element.offset().to_raw()}))
    }

    pub fn describe_configs(&self, request: &Request) -> Answer {
        let wanted = resource(request)?;
        let found = block_on(self.0.describe_configs([&wanted], &options(request))).map_err(failed)?;
        let mut configs = Map::new();
        for result in found {
            for entry in result.map_err(refused)?.entries {
                configs.insert(entry.name, entry.value.into());
            }
        }
        Ok(json!({"configs": configs}))
    }

    pub fn alter_configs(&self, request: &Request) -> Answer {
        let settings = request.settings("configs");
        let mut wanted = AlterConfig::new(resource(request)?);
        for (name, value) in &settings {
            wanted = wanted.set(name, value);
        }
        for result in block_on(self.0.alter_configs([&wanted], &options(request))).map_err(failed)? {
            result.map_err(|(_, code)| refused(code))?;
        }
        Ok(json!({}))
    }

    pub fn delete_group(&self, request: &Request) -> Answer {
        only(block_on(self.0.delete_groups(&[request.text("group")], &options(request))).map_err(failed)?)
    }

    fn metadata(&self, request: &Request, topic: Option<&str>) -> Answer<Metadata> {
        self.0.inner().fetch_metadata(topic, request.left()).map_err(failed)
    }

    pub fn list_topics(&self, request: &Request) -> Answer {
        let found = self.metadata(request, None)?;
        Ok(json!({"topics": found.topics().iter().map(|topic| topic.name()).collect::<Vec<_>>()}))
    }

    pub fn describe_topic(&self, request: &Request) -> Answer {
        let found = self.metadata(request, Some(request.text("topic")))?;
        let topic = &found.topics()[0];
        if let Some(code) = topic.error() {
            return Err(refused(code.into()));
        }
        let partitions = topic.partitions().iter().map(|each| {
            json!({"partition": each.id(), "leader": each.leader(), "replicas": each.replicas(), "isr": each.isr()})
        });
        Ok(json!({"partitions": partitions.collect::<Vec<_>>(), "topic_id": null}))
    }

    pub fn describe_cluster(&self, request: &Request) -> Answer {
        let found = self.metadata(request, None)?;
        let brokers: Vec<i32> = found.brokers().iter().map(|broker| broker.id()).collect();
        let cluster = self.0.inner().fetch_cluster_id(request.left());
        Ok(json!({"cluster_id": cluster, "controller": null, "brokers": brokers}))
    }

    pub fn list_groups(&self, request: &Request) -> Answer {
        let found = self.0.inner().fetch_group_list(None, request.left()).map_err(failed)?;
        Ok(json!({"groups": found.groups().iter().map(GroupInfo::name).collect::<Vec<_>>()}))
    }

    pub fn describe_group(&self, request: &Request) -> Answer {
        let found = self.0.inner().fetch_group_list(Some(request.text("group")), request.left()).map_err(failed)?;
        let Some(group) = found.groups().first() else { return Err(protocol::error("no such group")) };
        let members = group.members().iter().map(|member| {
            json!({
                "client_id": member.client_id(),
                "host": member.client_host(),
                "instance_id": null,
                "assignment": member.assignment().map(places),
            })
        });
        let members: Vec<Value> = members.collect();
        Ok(json!({"state": group.state(), "protocol": group.protocol(), "members": members}))
    }
}

/// The partitions in a ConsumerProtocolAssignment.
fn places(data: &[u8]) -> Vec<(String, i32)> {
    let number = |at: usize| i32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"));
    let mut found = Vec::new();
    if data.len() < 6 {
        return found;
    }
    let mut at = 6;
    for _ in 0..number(2) {
        let length = u16::from_be_bytes([data[at], data[at + 1]]) as usize;
        let topic = String::from_utf8_lossy(&data[at + 2..at + 2 + length]).into_owned();
        at += 2 + length;
        let count = number(at) as usize;
        found.extend((0..count).map(|index| (topic.clone(), number(at + 4 + 4 * index))));
        at += 4 + 4 * count;
    }
    found
}
