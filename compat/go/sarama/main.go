// The driver of sarama (compat/README.md has the protocol).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/IBM/sarama"
	"ottla.compat/driver"
)

const maxMessageBytes = 4 << 20

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

// clients holds what lives from request to request.
type clients struct {
	client    sarama.Client // for admin calls and questions about offsets
	admin     sarama.ClusterAdmin
	producers map[string]*producer
	member    *member
}

func main() {
	sarama.Logger = log.New(os.Stderr, "", log.LstdFlags)
	state := &clients{producers: map[string]*producer{}}
	handlers := map[string]driver.Handler{
		"produce": state.produce, "consume": state.consume,
		"join": state.join, "assignment": state.assignment, "poll": state.poll,
		"commit": state.commit, "committed": state.committed, "leave": state.leave,
	}
	for name, call := range adminCalls {
		handlers[name] = func(ctx context.Context, request *driver.Request) (any, error) {
			if err := state.connect(request); err != nil {
				return nil, err
			}
			return call(state, request)
		}
	}
	driver.Run(driver.Client{
		Name: "sarama", Module: "github.com/IBM/sarama", Handlers: handlers, Code: code, Close: state.close,
	})
}

func code(err error) (int, bool) {
	var known sarama.KError
	if errors.As(err, &known) {
		return int(known), true
	}
	return 0, false
}

func (state *clients) close() {
	closers := []io.Closer{}
	if state.member != nil {
		closers = append(closers, state.member.consumer)
	}
	for _, each := range state.producers {
		closers = append(closers, each.producer)
	}
	if state.admin != nil {
		closers = append(closers, state.admin) // and its client with it
	}
	for _, each := range closers {
		if err := each.Close(); err != nil {
			log.Print(err)
		}
	}
}

// config is sarama's default, but for what compat/README.md asks for.
func config() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "compat"
	config.Metadata.RefreshFrequency = 2 * time.Second
	config.Metadata.AllowAutoTopicCreation = false
	config.Producer.MaxMessageBytes = maxMessageBytes
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = newPartitioner
	// The defaults (3 retries, 100 ms apart) end before a broker can be back.
	config.Producer.Retry.Max, config.Metadata.Retry.Max = 100, 20
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

// connect makes the shared client and its admin, once.
func (state *clients) connect(request *driver.Request) (err error) {
	if state.client == nil {
		if state.client, err = sarama.NewClient([]string{request.Bootstrap}, config()); err != nil {
			return err
		}
		state.admin, err = sarama.NewClusterAdminFromClient(state.client)
	}
	return err
}

func (state *clients) consume(ctx context.Context, request *driver.Request) (any, error) {
	if err := state.connect(request); err != nil {
		return nil, err
	}
	start := request.Start.Number
	switch {
	case request.Start.IsTime:
		found, err := state.client.GetOffset(request.Topic, request.Partition, start)
		if err != nil {
			return nil, err
		}
		start = found // -1 if there is none so late, which is OffsetNewest
	case request.Start.Word == "beginning":
		start = sarama.OffsetOldest
	case request.Start.Word == "end":
		start = sarama.OffsetNewest
	}
	consumer, err := sarama.NewConsumerFromClient(state.client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(request.Topic, request.Partition, start)
	if err != nil {
		return nil, err
	}
	defer partition.AsyncClose()
	records := make([]driver.Record, 0, request.Count)
	for len(records) < request.Count {
		select {
		case message := <-partition.Messages():
			records = append(records, fromMessage(message))
		case err := <-partition.Errors():
			if code, known := code(err); known && sarama.KError(code) == sarama.ErrOffsetOutOfRange {
				return nil, err
			}
			log.Print(err) // the consumer tries again
		case <-ctx.Done():
			return driver.Map{"records": records}, nil
		}
	}
	return driver.Map{"records": records}, nil
}

func fromMessage(message *sarama.ConsumerMessage) driver.Record {
	headers := make([]driver.Header, len(message.Headers))
	for number, header := range message.Headers {
		headers[number] = driver.Header{Name: string(header.Key), Value: header.Value}
	}
	return driver.Read(
		message.Topic, message.Partition, message.Offset, message.Timestamp, message.Key, message.Value, headers,
	)
}

func producerName(request *driver.Request) string {
	return fmt.Sprint(request.Codec, request.Acks, request.Idempotent)
}
