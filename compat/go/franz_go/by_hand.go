package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"ottla.compat/driver"
)

// What kadm has no call for; its callers build these requests themselves.

// describeTopicPartitions goes from page to page by the answers' cursors.
func describeTopicPartitions(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	message := kmsg.NewPtrDescribeTopicPartitionsRequest()
	message.ResponsePartitionLimit = request.Limit
	topic := kmsg.NewDescribeTopicPartitionsRequestTopic()
	topic.Topic = request.Topic
	message.Topics = append(message.Topics, topic)
	partitions := []driver.Map{}
	for {
		response, err := message.RequestWith(ctx, admin.client)
		if err != nil {
			return nil, err
		}
		for _, topic := range response.Topics {
			if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
				return nil, err
			}
			for _, each := range topic.Partitions {
				partitions = append(partitions, driver.Map{
					"partition": each.Partition, "leader": each.LeaderID, "replicas": each.Replicas,
					"isr": each.ISR,
				})
			}
		}
		if response.NextCursor == nil {
			return driver.Map{"partitions": partitions}, nil
		}
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.Topic, cursor.Partition = response.NextCursor.Topic, response.NextCursor.Partition
		message.Cursor = &cursor
	}
}

func refusal(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return err
}

// Settings of a group: kadm names only topics and brokers.

func describeConfigsByHand(ctx context.Context, client *kgo.Client, request *driver.Request) (any, error) {
	message := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = resourceTypes[request.Type], request.Name
	message.Resources = append(message.Resources, resource)
	response, err := message.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for _, each := range response.Resources {
		if err := refusal(each.ErrorCode, each.ErrorMessage); err != nil {
			return nil, err
		}
		for _, config := range each.Configs {
			configs[config.Name] = config.Value
		}
	}
	return driver.Map{"configs": configs}, nil
}

func alterConfigsByHand(ctx context.Context, client *kgo.Client, request *driver.Request) error {
	message := kmsg.NewPtrAlterConfigsRequest()
	resource := kmsg.NewAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = resourceTypes[request.Type], request.Name
	for name, value := range request.Configs {
		config := kmsg.NewAlterConfigsRequestResourceConfig()
		config.Name, config.Value = name, value
		resource.Configs = append(resource.Configs, config)
	}
	message.Resources = append(message.Resources, resource)
	response, err := message.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, each := range response.Resources {
		if err := refusal(each.ErrorCode, each.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

func incrementalAlterConfigsByHand(ctx context.Context, client *kgo.Client, request *driver.Request) error {
	message := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = resourceTypes[request.Type], request.Name
	for _, each := range request.Ops {
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		// kadm's numbers of the operations are Kafka's.
		config.Op = kmsg.IncrementalAlterConfigOp(operations[each.Op])
		config.Name, config.Value = each.Name, each.Value
		resource.Configs = append(resource.Configs, config)
	}
	message.Resources = append(message.Resources, resource)
	response, err := message.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, each := range response.Resources {
		if err := refusal(each.ErrorCode, each.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}
