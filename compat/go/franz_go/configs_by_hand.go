package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"ottla.compat/driver"
)

// The settings of a group: kadm names only topics and brokers, so its callers build these requests themselves.

func refusal(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return err
}

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
