//! A member of a group: a thread polls and keeps what comes until it is asked for.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::protocol::{Answer, Request, none};
use crate::reader::row;
use crate::{config, failed};

const KEPT: usize = 500;
const ASSIGNORS: [&str; 3] = ["range", "roundrobin", "cooperative-sticky"];

type Place = (String, i32);

/// What has come, and the next offset of each partition of which something was handed over.
#[derive(Default)]
struct Inbox {
    rows: VecDeque<Value>,
    positions: BTreeMap<Place, i64>,
    rebalances: usize,
}

fn place_of(row: &Value) -> Place {
    (row["topic"].as_str().unwrap_or("").to_owned(), row["partition"].as_i64().unwrap_or(0) as i32)
}

struct Context(Arc<Mutex<Inbox>>);

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut inbox = self.0.lock().expect("no panic");
        match rebalance {
            Rebalance::Assign(_) => inbox.rebalances += 1,
            Rebalance::Revoke(partitions) => {
                let gone: HashSet<Place> = places(partitions).into_iter().collect();
                inbox.rows.retain(|row| !gone.contains(&place_of(row)));
                inbox.positions.retain(|place, _| !gone.contains(place));
            }
            Rebalance::Error(error) => eprintln!("{error}"),
        }
    }
}

fn places(list: &TopicPartitionList) -> Vec<Place> {
    list.elements().iter().map(|each| (each.topic().to_owned(), each.partition())).collect()
}

pub struct Member {
    consumer: Arc<BaseConsumer<Context>>,
    inbox: Arc<Mutex<Inbox>>,
    ending: Arc<AtomicBool>,
    polling: Option<JoinHandle<()>>,
}

impl Member {
    pub fn join(request: &Request) -> Answer<Self> {
        let session_ms = request.number("session_timeout_ms").unwrap_or(10_000);
        let mut config = config(request);
        config
            .set("group.id", request.text("group"))
            .set("session.timeout.ms", session_ms.to_string())
            .set("heartbeat.interval.ms", (session_ms / 3).min(500).to_string())
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        if let Some(strategy) = request.optional_text("strategy") {
            if !ASSIGNORS.contains(&strategy) {
                return none(format!("its assignors are {}", ASSIGNORS.join(", ")));
            }
            config.set("partition.assignment.strategy", strategy);
        }
        if let Some(instance) = request.optional_text("instance_id") {
            config.set("group.instance.id", instance);
        }
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let context = Context(Arc::clone(&inbox));
        let consumer: Arc<BaseConsumer<Context>> = Arc::new(config.create_with_context(context).map_err(failed)?);
        let topics: Vec<&str> = request.list("topics").iter().filter_map(Value::as_str).collect();
        consumer.subscribe(&topics).map_err(failed)?;
        let ending = Arc::new(AtomicBool::new(false));
        let (theirs, kept, end) = (Arc::clone(&consumer), Arc::clone(&inbox), Arc::clone(&ending));
        let polling = std::thread::spawn(move || poll_on(&theirs, &kept, &end));
        Ok(Self { consumer, inbox, ending, polling: Some(polling) })
    }

    fn assigned(&self) -> Answer<Vec<Place>> {
        Ok(places(&self.consumer.assignment().map_err(failed)?))
    }

    pub fn assignment(&self) -> Answer {
        let rebalances = self.inbox.lock().expect("no panic").rebalances;
        Ok(json!({"partitions": self.assigned()?, "rebalances": rebalances}))
    }

    pub fn poll(&self, request: &Request) -> Answer {
        let deadline = Instant::now() + Duration::from_millis(request.number("wait_ms").unwrap_or(0) as u64);
        let max = request.number("max").unwrap_or(500) as usize;
        loop {
            {
                let mut inbox = self.inbox.lock().expect("no panic");
                let count = inbox.rows.len().min(max);
                let rows: Vec<Value> = inbox.rows.drain(..count).collect();
                for row in &rows {
                    inbox.positions.insert(place_of(row), row["offset"].as_i64().unwrap_or(-1) + 1);
                }
                if !rows.is_empty() || Instant::now() >= deadline {
                    return Ok(json!({"records": rows}));
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn commit(&self) -> Answer {
        let assigned: HashSet<Place> = self.assigned()?.into_iter().collect();
        let mut list = TopicPartitionList::new();
        let mut rows = Vec::new();
        for (place, offset) in &self.inbox.lock().expect("no panic").positions {
            if assigned.contains(place) {
                list.add_partition_offset(&place.0, place.1, Offset::Offset(*offset)).map_err(failed)?;
                rows.push(json!([place.0, place.1, offset]));
            }
        }
        if !rows.is_empty() {
            self.consumer.commit(&list, CommitMode::Sync).map_err(failed)?;
        }
        Ok(json!({"offsets": rows}))
    }

    pub fn committed(&self, request: &Request) -> Answer {
        let mut list = TopicPartitionList::new();
        list.add_partition(request.text("topic"), request.partition());
        let found = self.consumer.committed_offsets(list, request.left()).map_err(failed)?;
        let element = &found.elements()[0];
        element.error().map_err(failed)?;
        Ok(match element.offset() {
            Offset::Offset(offset) => json!({"offset": offset}),
            _ => json!({"offset": null}),
        })
    }
}

/// Dropping the consumer closes it: it leaves the group.
impl Drop for Member {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(polling) = self.polling.take() {
            polling.join().expect("no panic");
        }
    }
}

fn poll_on(consumer: &BaseConsumer<Context>, inbox: &Mutex<Inbox>, ending: &AtomicBool) {
    while !ending.load(Ordering::Relaxed) {
        if inbox.lock().expect("no panic").rows.len() >= KEPT {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => inbox.lock().expect("no panic").rows.push_back(row(&message)),
            Some(Err(error)) => eprintln!("{error}"),
            None => {}
        }
    }
}
