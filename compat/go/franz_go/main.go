// The driver of franz-go (compat/README.md has the protocol).
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"ottla.compat/driver"
)

const maxBatchBytes = 4 << 20

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// franz holds what lives from request to request.
type franz struct {
	producers map[string]*kgo.Client
	client    *kgo.Client // for admin calls
	member    *member
}

func main() {
	state := &franz{producers: map[string]*kgo.Client{}}
	handlers := map[string]driver.Handler{
		"produce": state.produce, "consume": state.consume,
		"join": state.join, "assignment": state.assignment, "poll": state.poll,
		"commit": state.commit, "committed": state.committed, "leave": state.leave,
	}
	for name, call := range adminCalls {
		handlers[name] = func(ctx context.Context, request *driver.Request) (any, error) {
			client, err := state.shared(request)
			if err != nil {
				return nil, err
			}
			return call(ctx, &admin{kadm.NewClient(client), client}, request)
		}
	}
	driver.Run(driver.Client{
		Name: "franz-go", Module: "github.com/twmb/franz-go", Handlers: handlers, Code: code, Close: state.close,
	})
}

func code(err error) (int, bool) {
	var known *kerr.Error
	if errors.As(err, &known) {
		return int(known.Code), true
	}
	return 0, false
}

func (state *franz) close() {
	if state.member != nil {
		state.member.client.Close()
	}
	for _, producer := range state.producers {
		producer.Close()
	}
	if state.client != nil {
		state.client.Close()
	}
}

// connect makes a client on its defaults, but for what compat/README.md asks for.
func connect(request *driver.Request, options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(request.Bootstrap),
		kgo.ClientID("compat"),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(2 * time.Second),
		kgo.RetryBackoffFn(func(tries int) time.Duration { return min(time.Second, 100*time.Millisecond<<min(tries, 4)) }),
		kgo.ProducerBatchMaxBytes(maxBatchBytes),
	}, options...)...)
}

func (state *franz) shared(request *driver.Request) (client *kgo.Client, err error) {
	if state.client == nil {
		state.client, err = connect(request)
	}
	return state.client, err
}

func (state *franz) producer(request *driver.Request) (*kgo.Client, error) {
	name := fmt.Sprint(request.Codec, request.Acks, request.Idempotent)
	if producer, made := state.producers[name]; made {
		return producer, nil
	}
	codec, known := codecs[request.Codec]
	if !known {
		return nil, driver.None("franz-go has no codec %s", request.Codec)
	}
	acks := map[int]kgo.Acks{-1: kgo.AllISRAcks(), 0: kgo.NoAck(), 1: kgo.LeaderAck()}[request.Acks]
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(codec), kgo.RequiredAcks(acks), kgo.RecordPartitioner(partitioner{}),
	}
	if !request.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	producer, err := connect(request, options...)
	if err == nil {
		state.producers[name] = producer
	}
	return producer, err
}

func (state *franz) produce(ctx context.Context, request *driver.Request) (any, error) {
	producer, err := state.producer(request)
	if err != nil {
		return nil, err
	}
	var acknowledged sync.WaitGroup
	acknowledged.Add(len(request.Records))
	offsets := make([][2]int64, len(request.Records))
	failures := make([]error, len(request.Records))
	driver.Every(len(request.Records), request.PerSecond, func(number int) {
		producer.Produce(ctx, toRecord(request.Topic, request.Records[number]), func(record *kgo.Record, err error) {
			offsets[number] = [2]int64{int64(record.Partition), record.Offset}
			failures[number] = err
			acknowledged.Done()
		})
	})
	acknowledged.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return driver.Map{"offsets": offsets}, nil
}

const anyPartition = -1

func toRecord(topic string, from driver.Record) *kgo.Record {
	record := &kgo.Record{Topic: topic, Partition: anyPartition, Key: from.Key, Value: from.Value}
	if from.Partition != nil {
		record.Partition = *from.Partition
	}
	if from.Timestamp != nil {
		record.Timestamp = time.UnixMilli(*from.Timestamp)
	}
	for _, header := range from.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
	}
	return record
}

// partitioner takes the partition that a record names, else franz-go's default.
type partitioner struct{}

func (partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	inner := kgo.UniformBytesPartitioner(64<<10, true, true, nil).ForTopic(topic)
	return topicPartitioner{inner.(kgo.TopicBackupPartitioner)}
}

type topicPartitioner struct{ kgo.TopicBackupPartitioner }

func (inner topicPartitioner) RequiresConsistency(record *kgo.Record) bool {
	return record.Partition != anyPartition || inner.TopicBackupPartitioner.RequiresConsistency(record)
}

func (inner topicPartitioner) PartitionByBackup(record *kgo.Record, count int, backup kgo.TopicBackupIter) int {
	if record.Partition != anyPartition {
		return int(record.Partition)
	}
	return inner.TopicBackupPartitioner.PartitionByBackup(record, count, backup)
}

func (state *franz) consume(ctx context.Context, request *driver.Request) (any, error) {
	start := kgo.NewOffset()
	switch {
	case request.Start.IsTime:
		start = start.AfterMilli(request.Start.Number)
	case request.Start.Word == "beginning":
		start = start.AtStart()
	case request.Start.Word == "end":
		start = start.AtEnd()
	default:
		start = start.At(request.Start.Number)
	}
	client, err := connect(request, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		request.Topic: {request.Partition: start},
	}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records := make([]driver.Record, 0, request.Count)
	for len(records) < request.Count {
		fetches := client.PollRecords(ctx, request.Count-len(records))
		fetches.EachRecord(func(record *kgo.Record) { records = append(records, fromRecord(record)) })
		if ctx.Err() != nil {
			break
		}
		if err := fetches.Err(); err != nil {
			return nil, err
		}
	}
	return driver.Map{"records": records}, nil
}

func fromRecord(record *kgo.Record) driver.Record {
	headers := make([]driver.Header, len(record.Headers))
	for number, header := range record.Headers {
		headers[number] = driver.Header{Name: header.Key, Value: header.Value}
	}
	return driver.Read(
		record.Topic, record.Partition, record.Offset, record.Timestamp, record.Key, record.Value, headers,
	)
}
