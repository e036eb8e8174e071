package driver

import (
	"encoding/json"
	"fmt"
	"time"
)

// Request has the arguments of every operation; each uses its own.
type Request struct {
	ID        int64  `json:"id"`
	Do        string `json:"do"`
	Bootstrap string `json:"bootstrap"`
	TimeoutMs int64  `json:"timeout_ms"`

	Topic     string   `json:"topic"`
	Topics    []string `json:"topics"`
	Partition int32    `json:"partition"`

	Records    []Record `json:"records"`
	Codec      string   `json:"codec"`
	Acks       int      `json:"acks"`
	Idempotent bool     `json:"idempotent"`
	PerSecond  *float64 `json:"per_second"`

	Start Position `json:"start"`
	Count int      `json:"count"`
	Time  int64    `json:"time"`

	Group            string  `json:"group"`
	Strategy         string  `json:"strategy"` // "" is the client's own choice
	InstanceID       *string `json:"instance_id"`
	SessionTimeoutMs int64   `json:"session_timeout_ms"`
	WaitMs           int64   `json:"wait_ms"`
	Max              int     `json:"max"`

	Partitions        json.RawMessage    `json:"partitions"`
	ReplicationFactor int16              `json:"replication_factor"`
	Configs           map[string]*string `json:"configs"`
	ValidateOnly      bool               `json:"validate_only"`
	Total             int32              `json:"total"`
	Type              string             `json:"type"`
	Name              string             `json:"name"`
	Ops               []ConfigOp         `json:"ops"`
	Before            int64              `json:"before"`
	At                Position           `json:"at"`
	Limit             int32              `json:"limit"`
	Offsets           []PartitionOffset  `json:"offsets"`
	InstanceIDs       []string           `json:"instance_ids"`
}

func newRequest() *Request {
	return &Request{
		TimeoutMs: 20000, Codec: "none", Acks: -1, SessionTimeoutMs: 10000, Max: 500, ReplicationFactor: 1,
	}
}

// PartitionCount is the argument "partitions" of create_topic.
func (request *Request) PartitionCount() (count int32, err error) {
	return count, json.Unmarshal(request.Partitions, &count)
}

// PartitionList is the argument "partitions" of delete_group_offsets.
func (request *Request) PartitionList() ([]TopicPartition, error) {
	var list []TopicPartition
	return list, json.Unmarshal(request.Partitions, &list)
}

// HeartbeatInterval is 500 ms, or a third of a short session timeout.
func (request *Request) HeartbeatInterval() time.Duration {
	return min(500*time.Millisecond, request.SessionTimeout()/3)
}

// SessionTimeout of a member.
func (request *Request) SessionTimeout() time.Duration {
	return time.Duration(request.SessionTimeoutMs) * time.Millisecond
}

// Record as it is sent and read; nil keys and values are null.
type Record struct {
	Topic     string   `json:"topic,omitempty"`
	Partition *int32   `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp *int64   `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Header is a pair of a name and bytes or null.
type Header struct {
	Name  string
	Value []byte
}

// MarshalJSON writes the pair.
func (header Header) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{header.Name, header.Value})
}

// UnmarshalJSON reads the pair.
func (header *Header) UnmarshalJSON(text []byte) error {
	return unmarshalTuple(text, &header.Name, &header.Value)
}

// Read makes a record of what a client read.
func Read(topic string, partition int32, offset int64, timestamp time.Time, key, value []byte, headers []Header) Record {
	stamp := timestamp.UnixMilli()
	if headers == nil {
		headers = []Header{}
	}
	return Record{
		Topic: topic, Partition: &partition, Offset: offset, Timestamp: &stamp, Key: key, Value: value, Headers: headers,
	}
}

// Position is a word ("beginning", "max_timestamp"...), an offset or a time.
type Position struct {
	Word   string
	Number int64 // of "at": a time; of "start": an offset, or a time if IsTime
	IsTime bool
}

// UnmarshalJSON reads a string, a number or {"time": number}.
func (position *Position) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &position.Word) == nil || json.Unmarshal(text, &position.Number) == nil {
		return nil
	}
	var named struct{ Time *int64 }
	if err := json.Unmarshal(text, &named); err != nil || named.Time == nil {
		return fmt.Errorf("not a position: %s", text)
	}
	position.Number, position.IsTime = *named.Time, true
	return nil
}

// TopicPartition is a pair of a topic and a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// MarshalJSON writes the pair.
func (pair TopicPartition) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{pair.Topic, pair.Partition})
}

// UnmarshalJSON reads the pair.
func (pair *TopicPartition) UnmarshalJSON(text []byte) error {
	return unmarshalTuple(text, &pair.Topic, &pair.Partition)
}

// PartitionOffset is a topic, a partition and an offset (or a size).
type PartitionOffset struct {
	TopicPartition
	Offset int64
}

// MarshalJSON writes the triple.
func (triple PartitionOffset) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{triple.Topic, triple.Partition, triple.Offset})
}

// UnmarshalJSON reads the triple.
func (triple *PartitionOffset) UnmarshalJSON(text []byte) error {
	return unmarshalTuple(text, &triple.Topic, &triple.Partition, &triple.Offset)
}

// ConfigOp is an incremental change: "set", "delete", "append" or "subtract".
type ConfigOp struct {
	Op    string
	Name  string
	Value *string
}

// UnmarshalJSON reads the triple.
func (op *ConfigOp) UnmarshalJSON(text []byte) error {
	return unmarshalTuple(text, &op.Op, &op.Name, &op.Value)
}

func unmarshalTuple(text []byte, parts ...any) error {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return err
	}
	if len(items) != len(parts) {
		return fmt.Errorf("%d items where %d belong: %s", len(items), len(parts), text)
	}
	for number, item := range items {
		if err := json.Unmarshal(item, parts[number]); err != nil {
			return err
		}
	}
	return nil
}
