// The driver of segmentio/kafka-go (compat/README.md has the protocol).
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
	"ottla.compat/driver"
)

const (
	maxBatchBytes = 4 << 20
	maxFetchBytes = 10 << 20
	metadataTTL   = 2 * time.Second
)

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

// clients holds what lives from request to request.
type clients struct {
	client  *kafka.Client
	writers map[string]*kafka.Writer
	member  *member
}

func main() {
	state := &clients{writers: map[string]*kafka.Writer{}}
	handlers := map[string]driver.Handler{
		"produce": state.produce, "consume": consume, "watermarks": watermarks, "offset_for_time": offsetForTime,
		"join": state.join, "assignment": state.assignment, "poll": state.poll,
		"commit": state.commit, "committed": state.committed, "leave": state.leave,
	}
	for name, call := range adminCalls {
		handlers[name] = func(ctx context.Context, request *driver.Request) (any, error) {
			return call(ctx, state.shared(request), request)
		}
	}
	driver.Run(driver.Client{
		Name: "kafka-go", Module: "github.com/segmentio/kafka-go", Handlers: handlers, Code: code, Close: state.close,
	})
}

func code(err error) (int, bool) {
	var known kafka.Error
	if errors.As(err, &known) {
		return int(known), true
	}
	return 0, false
}

func (state *clients) close() {
	if state.member != nil {
		state.member.group.Close()
	}
	for _, writer := range state.writers {
		if err := writer.Close(); err != nil {
			log.Print(err)
		}
	}
}

func transport() *kafka.Transport {
	return &kafka.Transport{ClientID: "compat", MetadataTTL: metadataTTL}
}

func dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: "compat", Timeout: 10 * time.Second, DualStack: true}
}

func (state *clients) shared(request *driver.Request) *kafka.Client {
	if state.client == nil {
		state.client = &kafka.Client{Addr: kafka.TCP(request.Bootstrap), Transport: transport()}
	}
	return state.client
}

// done is told a message's outcome; it is the message's WriterData.
type done func(message kafka.Message, err error)

// placed is the message's WriterData: how it wants to be handled.
type placed struct {
	partition *int32
	done      done
}

func (state *clients) writer(request *driver.Request) (*kafka.Writer, error) {
	name := fmt.Sprint(request.Codec, request.Acks)
	if writer, made := state.writers[name]; made {
		return writer, nil
	}
	codec, known := codecs[request.Codec]
	if !known {
		return nil, driver.None("kafka-go has no codec %s", request.Codec)
	}
	writer := &kafka.Writer{
		Addr: kafka.TCP(request.Bootstrap), Transport: transport(), Balancer: &balancer{},
		RequiredAcks: kafka.RequiredAcks(request.Acks), Compression: codec, BatchBytes: maxBatchBytes,
		// The default of a second is waited for at the end of every request.
		BatchTimeout: 10 * time.Millisecond,
		Async:        true, // the only way to learn of offsets
		Completion: func(messages []kafka.Message, err error) {
			for _, message := range messages {
				message.WriterData.(placed).done(message, err)
			}
		},
		ErrorLogger: log.New(os.Stderr, "", log.LstdFlags),
	}
	state.writers[name] = writer
	return writer, nil
}

func (state *clients) produce(ctx context.Context, request *driver.Request) (any, error) {
	if request.Idempotent {
		return nil, driver.None("kafka-go has no idempotent producer")
	}
	writer, err := state.writer(request)
	if err != nil {
		return nil, err
	}
	offsets := make([]*[2]int64, len(request.Records))
	failures := make(chan error, len(request.Records))
	messages := make([]kafka.Message, len(request.Records))
	for number, record := range request.Records {
		messages[number] = toMessage(request.Topic, record, func(sent kafka.Message, err error) {
			if request.Acks != 0 {
				offsets[number] = &[2]int64{int64(sent.Partition), sent.Offset}
			}
			failures <- err
		})
	}
	if request.PerSecond == nil {
		err = whenKnown(ctx, func() error { return writer.WriteMessages(ctx, messages...) })
	} else {
		driver.Every(len(messages), request.PerSecond, func(number int) {
			if err == nil {
				err = whenKnown(ctx, func() error { return writer.WriteMessages(ctx, messages[number]) })
			}
		})
	}
	if err != nil {
		return nil, err
	}
	for range messages {
		select {
		case failure := <-failures:
			err = errors.Join(err, failure)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return driver.Map{"offsets": offsets}, nil
}

// whenKnown repeats a call that fails while the transport does not know a topic, or no broker: it answers from what
// it knows for as long as MetadataTTL, and its users are told to try again.
func whenKnown(ctx context.Context, call func() error) error {
	giveUp := time.Now().Add(2 * metadataTTL)
	for {
		err := call()
		var unreachable net.Error
		unknown := errors.Is(err, kafka.UnknownTopicOrPartition) && time.Now().Before(giveUp)
		if !unknown && !errors.As(err, &unreachable) || ctx.Err() != nil {
			return err
		}
		log.Print(err)
		time.Sleep(100 * time.Millisecond)
	}
}

func toMessage(topic string, from driver.Record, whenDone done) kafka.Message {
	message := kafka.Message{Topic: topic, Key: from.Key, Value: from.Value, WriterData: placed{from.Partition, whenDone}}
	if from.Timestamp != nil {
		message.Time = time.UnixMilli(*from.Timestamp)
	}
	for _, header := range from.Headers {
		message.Headers = append(message.Headers, kafka.Header{Key: header.Name, Value: header.Value})
	}
	return message
}

// balancer takes the partition that a message names, else one by its key, else each in turn.
type balancer struct {
	hash  kafka.Hash
	robin kafka.RoundRobin
}

func (inner *balancer) Balance(message kafka.Message, partitions ...int) int {
	switch wanted := message.WriterData.(placed).partition; {
	case wanted != nil:
		return int(*wanted)
	case message.Key != nil:
		return inner.hash.Balance(message, partitions...)
	}
	return inner.robin.Balance(message, partitions...)
}

func newReader(bootstrap, topic string, partition int) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{bootstrap}, Topic: topic, Partition: partition, Dialer: dialer(), MaxBytes: maxFetchBytes,
		// Closing a reader waits for its last fetch, by default ten seconds.
		MaxWait: 500 * time.Millisecond, OffsetOutOfRangeError: true, ErrorLogger: log.New(os.Stderr, "", log.LstdFlags),
	})
}

func consume(ctx context.Context, request *driver.Request) (any, error) {
	reader := newReader(request.Bootstrap, request.Topic, int(request.Partition))
	defer reader.Close()
	var err error
	switch {
	case request.Start.IsTime:
		err = reader.SetOffsetAt(ctx, time.UnixMilli(request.Start.Number))
	case request.Start.Word == "beginning":
		err = reader.SetOffset(kafka.FirstOffset)
	case request.Start.Word == "end":
		err = reader.SetOffset(kafka.LastOffset)
	default:
		err = reader.SetOffset(request.Start.Number)
	}
	if err != nil {
		return nil, err
	}
	records := make([]driver.Record, 0, request.Count)
	for len(records) < request.Count {
		message, err := reader.FetchMessage(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return nil, err
		}
		records = append(records, fromMessage(message))
	}
	return driver.Map{"records": records}, nil
}

func fromMessage(message kafka.Message) driver.Record {
	headers := make([]driver.Header, len(message.Headers))
	for number, header := range message.Headers {
		headers[number] = driver.Header{Name: header.Key, Value: header.Value}
	}
	partition := int32(message.Partition)
	return driver.Read(message.Topic, partition, message.Offset, message.Time, message.Key, message.Value, headers)
}

// withLeader calls a function with a connection to a partition's leader, as kafka-go's readers make it.
func withLeader(ctx context.Context, request *driver.Request, ask func(*kafka.Conn) (any, error)) (any, error) {
	connection, err := dialer().DialLeader(ctx, "tcp", request.Bootstrap, request.Topic, int(request.Partition))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if deadline, limited := ctx.Deadline(); limited {
		if err := connection.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	return ask(connection)
}

func watermarks(ctx context.Context, request *driver.Request) (any, error) {
	return withLeader(ctx, request, func(connection *kafka.Conn) (any, error) {
		beginning, end, err := connection.ReadOffsets()
		return driver.Map{"beginning": beginning, "end": end}, err
	})
}

func offsetForTime(ctx context.Context, request *driver.Request) (any, error) {
	return withLeader(ctx, request, func(connection *kafka.Conn) (any, error) {
		offset, err := connection.ReadOffset(time.UnixMilli(request.Time))
		if err != nil || offset < 0 {
			return driver.Map{"offset": nil, "timestamp": nil}, err
		}
		return driver.Map{"offset": offset, "timestamp": nil}, nil
	})
}
