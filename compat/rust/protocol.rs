//! The drivers' side of the protocol of compat/README.md: one JSON request per line in, one answer per line out.
//!
//! A driver calls `serve` with a function that answers one request. `Failure::NoFeature` says that the client lacks
//! what is asked for; anything else is an error.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub enum Failure {
    NoFeature(String),
    Error { message: String, code: Option<i32> },
}

pub type Answer<T = Value> = Result<T, Failure>;

/// An answer that the client lacks something.
pub fn none<T>(why: impl Into<String>) -> Answer<T> {
    Err(Failure::NoFeature(why.into()))
}

/// An error without a code of Kafka's.
pub fn error(message: impl std::fmt::Display) -> Failure {
    Failure::Error { message: message.to_string(), code: None }
}

/// A request, with the moment at which the driver has to give up.
pub struct Request {
    fields: Value,
    deadline: Instant,
}

impl Request {
    fn new(line: &str) -> Self {
        let fields: Value = serde_json::from_str(line).expect("a request is JSON");
        let timeout = fields["timeout_ms"].as_u64().unwrap_or(20_000);
        Self { fields, deadline: Instant::now() + Duration::from_millis(timeout) }
    }

    pub fn get(&self, name: &str) -> &Value {
        &self.fields[name]
    }

    /// A text, empty where it is left out.
    pub fn text(&self, name: &str) -> &str {
        self.fields[name].as_str().unwrap_or("")
    }

    pub fn optional_text(&self, name: &str) -> Option<&str> {
        self.fields[name].as_str()
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.fields[name].as_i64()
    }

    pub fn partition(&self) -> i32 {
        self.number("partition").unwrap_or(0) as i32
    }

    pub fn flag(&self, name: &str) -> bool {
        self.fields[name].as_bool().unwrap_or(false)
    }

    pub fn list(&self, name: &str) -> &[Value] {
        self.fields[name].as_array().map_or(&[], Vec::as_slice)
    }

    /// Name and value of each setting of an object.
    pub fn settings(&self, name: &str) -> Vec<(String, String)> {
        let pairs = self.fields[name].as_object();
        pairs.into_iter().flatten().map(|(name, value)| (name.clone(), text_of(value))).collect()
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The records to produce.
    pub fn records(&self) -> Vec<Sent> {
        self.list("records").iter().map(Sent::new).collect()
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A record to produce.
pub struct Sent {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
}

impl Sent {
    fn new(row: &Value) -> Self {
        let headers = row["headers"].as_array().into_iter().flatten();
        Self {
            key: bytes(&row["key"]),
            value: bytes(&row["value"]),
            headers: headers.map(|pair| (text_of(&pair[0]), bytes(&pair[1]))).collect(),
            partition: row["partition"].as_i64().map(|number| number as i32),
            timestamp: row["timestamp"].as_i64(),
        }
    }

    pub fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// The bytes of base64, or None for null.
pub fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_str().map(|text| STANDARD.decode(text).expect("base64"))
}

/// Bytes as base64, or null.
pub fn base64(data: Option<&[u8]>) -> Value {
    data.map_or(Value::Null, |data| STANDARD.encode(data).into())
}

/// Calls `send` with each part of `items` whose time has come, at `per_second` or all at once; what comes due meanwhile
/// is the next part.
pub fn paced<T>(items: &[T], per_second: Option<i64>, mut send: impl FnMut(&[T]) -> Answer<()>) -> Answer<()> {
    let Some(rate) = per_second else { return send(items) };
    let start = Instant::now();
    let mut next = 0;
    while next < items.len() {
        let due = (start.elapsed().as_secs_f64() * rate as f64) as usize + 1;
        let due = due.min(items.len());
        if due > next {
            send(&items[next..due])?;
            next = due;
        } else {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}

/// The version of a package in a Cargo.lock.
pub fn version_in<'a>(lock: &'a str, package: &str) -> &'a str {
    let before = format!("name = \"{package}\"\nversion = \"");
    lock.split_once(&before).and_then(|(_, rest)| rest.split('"').next()).unwrap_or("?")
}

fn print(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the runner reads");
}

/// Answers requests until stdin ends.
pub fn serve(client: &str, version: &str, mut handle: impl FnMut(&str, &Request) -> Answer) {
    print(&json!({"client": client, "version": version, "ready": true}));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("lines of UTF-8");
        if line.trim().is_empty() {
            continue;
        }
        let request = Request::new(&line);
        let id = request.get("id").clone();
        print(&match handle(request.text("do"), &request) {
            Ok(found) => json!({"id": id, "ok": found}),
            Err(Failure::NoFeature(why)) => json!({"id": id, "none": why}),
            Err(Failure::Error { message, code }) => json!({"id": id, "error": message, "code": code}),
        });
    }
}
