package main

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"
	"ottla.compat/driver"
)

func init() { adminCalls["other_calls"] = otherCalls }

// otherCalls are those of kafka-go's Client that have no operation of their own: its reader and writer make some of
// them in other versions.
func otherCalls(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	topic, group := request.Topic, request.Group
	return driver.OtherCalls(map[string]func() error{
		"Produce, Fetch": func() error {
			err := whenKnown(ctx, func() error {
				if _, err := topicMetadata(ctx, client, topic); err != nil {
					return err
				}
				record := kafka.Record{Value: kafka.NewBytes([]byte("one"))}
				produced, err := client.Produce(ctx, &kafka.ProduceRequest{
					Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(record),
				})
				if err != nil {
					return err
				}
				return produced.Error
			})
			if err != nil {
				return err
			}
			fetched, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, MinBytes: 1, MaxBytes: maxFetchBytes})
			if err != nil {
				return err
			}
			_, err = fetched.Records.ReadRecord()
			return errors.Join(fetched.Error, err)
		},
		"FindCoordinator": func() error {
			found, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{
				Key: group, KeyType: kafka.CoordinatorKeyTypeConsumer,
			})
			if err != nil {
				return err
			}
			return found.Error
		},
		"InitProducerID": func() error {
			made, err := client.InitProducerID(ctx, &kafka.InitProducerIDRequest{})
			if err != nil {
				return err
			}
			return made.Error
		},
		"ConsumerOffsets": func() error {
			_, err := client.ConsumerOffsets(ctx, kafka.TopicAndGroup{Topic: topic, GroupId: group})
			return err
		},
	}), nil
}
