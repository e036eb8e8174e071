package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
	"ottla.compat/driver"
)

// producer with the goroutine that hands each outcome to the message's own function.
type producer struct{ producer sarama.AsyncProducer }

// done is told a message's outcome; it is the message's Metadata.
type done func(message *sarama.ProducerMessage, err error)

func (state *clients) producer(request *driver.Request) (*producer, error) {
	name := producerName(request)
	if made, known := state.producers[name]; known {
		return made, nil
	}
	codec, known := codecs[request.Codec]
	if !known {
		return nil, driver.None("sarama has no codec %s", request.Codec)
	}
	settings := config()
	settings.Producer.Compression = codec
	settings.Producer.RequiredAcks = sarama.RequiredAcks(request.Acks)
	if request.Idempotent {
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1 // sarama insists
	}
	inner, err := sarama.NewAsyncProducer([]string{request.Bootstrap}, settings)
	if err != nil {
		return nil, err
	}
	made := &producer{inner}
	go func() {
		for message := range inner.Successes() {
			message.Metadata.(done)(message, nil)
		}
	}()
	go func() {
		for failure := range inner.Errors() {
			failure.Msg.Metadata.(done)(failure.Msg, failure.Err)
		}
	}()
	state.producers[name] = made
	return made, nil
}

func (state *clients) produce(ctx context.Context, request *driver.Request) (any, error) {
	producer, err := state.producer(request)
	if err != nil {
		return nil, err
	}
	offsets := make([][2]int64, len(request.Records))
	failures := make(chan error, len(request.Records))
	driver.Every(len(request.Records), request.PerSecond, func(number int) {
		message := toMessage(request.Topic, request.Records[number])
		message.Metadata = done(func(sent *sarama.ProducerMessage, err error) {
			offsets[number] = [2]int64{int64(sent.Partition), sent.Offset}
			failures <- err
		})
		producer.producer.Input() <- message
	})
	for range request.Records {
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

const anyPartition = -1

func toMessage(topic string, from driver.Record) *sarama.ProducerMessage {
	message := &sarama.ProducerMessage{Topic: topic, Partition: anyPartition}
	if from.Key != nil {
		message.Key = sarama.ByteEncoder(from.Key)
	}
	if from.Value != nil {
		message.Value = sarama.ByteEncoder(from.Value)
	}
	if from.Partition != nil {
		message.Partition = *from.Partition
	}
	if from.Timestamp != nil {
		message.Timestamp = time.UnixMilli(*from.Timestamp)
	}
	for _, header := range from.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	return message
}

// partitioner takes the partition that a message names, else sarama's default.
type partitioner struct{ hash sarama.Partitioner }

func newPartitioner(topic string) sarama.Partitioner {
	return partitioner{sarama.NewHashPartitioner(topic)}
}

func (inner partitioner) Partition(message *sarama.ProducerMessage, count int32) (int32, error) {
	if message.Partition != anyPartition {
		return message.Partition, nil
	}
	return inner.hash.Partition(message, count)
}

func (partitioner) RequiresConsistency() bool { return true }
