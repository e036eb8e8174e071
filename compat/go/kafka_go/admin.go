package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"ottla.compat/driver"
)

type adminCall = func(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error)

var adminCalls = map[string]adminCall{
	"create_topic": createTopic, "delete_topic": deleteTopic, "create_partitions": createPartitions,
	"list_topics": listTopics, "describe_topic": describeTopic,
	"describe_cluster": describeCluster, "api_versions": apiVersions, "list_offsets": listOffsets,
	"describe_configs": describeConfigs, "alter_configs": alterConfigs,
	"incremental_alter_configs": incrementalAlterConfigs,
	"list_groups":               listGroups, "describe_group": describeGroup, "delete_group": deleteGroup,
	"group_offsets": groupOffsets, "alter_group_offsets": alterGroupOffsets,
	"delete_group_offsets": deleteGroupOffsets, "remove_members": removeMembers,
}

func createTopic(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	partitions, err := request.PartitionCount()
	if err != nil {
		return nil, err
	}
	topic := kafka.TopicConfig{
		Topic: request.Topic, NumPartitions: int(partitions), ReplicationFactor: int(request.ReplicationFactor),
	}
	for name, value := range request.Configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: *value})
	}
	response, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{topic}, ValidateOnly: request.ValidateOnly,
	})
	if err != nil {
		return nil, err
	}
	return nil, response.Errors[request.Topic]
}

func deleteTopic(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	response, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{request.Topic}})
	if err != nil {
		return nil, err
	}
	return nil, response.Errors[request.Topic]
}

func createPartitions(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	response, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: request.Topic, Count: request.Total}},
	})
	if err != nil {
		return nil, err
	}
	return nil, response.Errors[request.Topic]
}

func listTopics(ctx context.Context, client *kafka.Client, _ *driver.Request) (any, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, topic := range metadata.Topics {
		names = append(names, topic.Name)
	}
	return driver.Map{"topics": names}, nil
}

func ids(brokers []kafka.Broker) []int {
	ids := []int{}
	for _, broker := range brokers {
		ids = append(ids, broker.ID)
	}
	return ids
}

func topicMetadata(ctx context.Context, client *kafka.Client, name string) (*kafka.Topic, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return nil, err
	}
	for _, topic := range metadata.Topics {
		if topic.Name == name {
			return &topic, topic.Error
		}
	}
	return nil, kafka.UnknownTopicOrPartition
}

func describeTopic(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	var topic *kafka.Topic
	err := whenKnown(ctx, func() (err error) {
		topic, err = topicMetadata(ctx, client, request.Topic)
		return err
	})
	if err != nil {
		return nil, err
	}
	partitions := []driver.Map{}
	for _, each := range topic.Partitions {
		partitions = append(partitions, driver.Map{
			"partition": each.ID, "leader": each.Leader.ID, "replicas": ids(each.Replicas), "isr": ids(each.Isr),
		})
	}
	return driver.Map{"partitions": partitions, "topic_id": nil}, nil
}

func describeCluster(ctx context.Context, client *kafka.Client, _ *driver.Request) (any, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	return driver.Map{
		"cluster_id": metadata.ClusterID, "controller": metadata.Controller.ID, "brokers": ids(metadata.Brokers),
	}, nil
}

func apiVersions(ctx context.Context, client *kafka.Client, _ *driver.Request) (any, error) {
	response, err := client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = response.Error
	}
	if err != nil {
		return nil, err
	}
	apis := [][3]int{}
	for _, each := range response.ApiKeys {
		apis = append(apis, [3]int{each.ApiKey, each.MinVersion, each.MaxVersion})
	}
	return driver.Map{"apis": apis}, nil
}

func listOffsets(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	number := int(request.Partition)
	wanted := kafka.TimeOffsetOf(number, time.UnixMilli(request.At.Number))
	switch request.At.Word {
	case "earliest":
		wanted = kafka.FirstOffsetOf(number)
	case "latest":
		wanted = kafka.LastOffsetOf(number)
	case "max_timestamp":
		return nil, driver.None("kafka-go lists the first, the last and by time")
	}
	response, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{request.Topic: {wanted}},
	})
	if err != nil {
		return nil, err
	}
	for _, partition := range response.Topics[request.Topic] {
		if partition.Error != nil {
			return nil, partition.Error
		}
		switch request.At.Word {
		case "earliest":
			return driver.Map{"offset": partition.FirstOffset, "timestamp": nil}, nil
		case "latest":
			return driver.Map{"offset": partition.LastOffset, "timestamp": nil}, nil
		}
		for offset, at := range partition.Offsets {
			return driver.Map{"offset": offset, "timestamp": at.UnixMilli()}, nil
		}
	}
	return driver.Map{"offset": -1, "timestamp": nil}, nil
}

// groupResource is the resource type of a group's settings, which kafka-go does not name (Kafka's number).
const groupResource kafka.ResourceType = 32

var resourceTypes = map[string]kafka.ResourceType{
	"topic": kafka.ResourceTypeTopic, "broker": kafka.ResourceTypeBroker, "group": groupResource,
}

func describeConfigs(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	response, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{
			{ResourceType: resourceTypes[request.Type], ResourceName: request.Name},
		},
	})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, each := range response.Resources {
		if each.Error != nil {
			return nil, each.Error
		}
		for _, config := range each.ConfigEntries {
			configs[config.ConfigName] = config.ConfigValue
		}
	}
	return driver.Map{"configs": configs}, nil
}

func alterConfigs(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	resource := kafka.AlterConfigRequestResource{ResourceType: resourceTypes[request.Type], ResourceName: request.Name}
	for name, value := range request.Configs {
		resource.Configs = append(resource.Configs, kafka.AlterConfigRequestConfig{Name: name, Value: *value})
	}
	response, err := client.AlterConfigs(ctx, &kafka.AlterConfigsRequest{
		Resources: []kafka.AlterConfigRequestResource{resource},
	})
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(slices.Collect(maps.Values(response.Errors))...)
}

var operations = map[string]kafka.ConfigOperation{
	"set": kafka.ConfigOperationSet, "delete": kafka.ConfigOperationDelete,
	"append": kafka.ConfigOperationAppend, "subtract": kafka.ConfigOperationSubtract,
}

func incrementalAlterConfigs(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	resource := kafka.IncrementalAlterConfigsRequestResource{
		ResourceType: resourceTypes[request.Type], ResourceName: request.Name,
	}
	for _, each := range request.Ops {
		value := ""
		if each.Value != nil {
			value = *each.Value
		}
		resource.Configs = append(resource.Configs, kafka.IncrementalAlterConfigsRequestConfig{
			Name: each.Name, Value: value, ConfigOperation: operations[each.Op],
		})
	}
	response, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{resource},
	})
	if err != nil {
		return nil, err
	}
	for _, each := range response.Resources {
		err = errors.Join(err, each.Error)
	}
	return nil, err
}

func listGroups(ctx context.Context, client *kafka.Client, _ *driver.Request) (any, error) {
	response, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err == nil {
		err = response.Error
	}
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, group := range response.Groups {
		names = append(names, group.GroupID)
	}
	return driver.Map{"groups": names}, nil
}

func describeGroup(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	response, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{request.Group}})
	if err != nil {
		return nil, err
	}
	if len(response.Groups) != 1 {
		return nil, fmt.Errorf("%d groups described", len(response.Groups))
	}
	group := response.Groups[0]
	members := []driver.Map{}
	for _, member := range group.Members {
		partitions := []driver.TopicPartition{}
		for _, topic := range member.MemberAssignments.Topics {
			for _, number := range topic.Partitions {
				partitions = append(partitions, driver.TopicPartition{Topic: topic.Topic, Partition: int32(number)})
			}
		}
		members = append(members, driver.Map{
			"client_id": member.ClientID, "host": member.ClientHost, "instance_id": nil, "assignment": partitions,
		})
	}
	return driver.Map{"state": group.GroupState, "protocol": nil, "members": members}, group.Error
}

func deleteGroup(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	response, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{request.Group}})
	if err != nil {
		return nil, err
	}
	return nil, response.Errors[request.Group]
}

func groupOffsets(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	fetched, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: request.Group})
	if err == nil {
		err = fetched.Error
	}
	if err != nil {
		return nil, err
	}
	offsets := []driver.PartitionOffset{}
	for topic, partitions := range fetched.Topics {
		for _, each := range partitions {
			if each.Error != nil {
				return nil, each.Error
			}
			if each.CommittedOffset >= 0 {
				pair := driver.TopicPartition{Topic: topic, Partition: int32(each.Partition)}
				offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: each.CommittedOffset})
			}
		}
	}
	return driver.Map{"offsets": offsets}, nil
}

// noGeneration is that of somebody who is not in the group.
const noGeneration = -1

func alterGroupOffsets(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	offsets := map[string][]kafka.OffsetCommit{}
	for _, each := range request.Offsets {
		commit := kafka.OffsetCommit{Partition: int(each.Partition), Offset: each.Offset}
		offsets[each.Topic] = append(offsets[each.Topic], commit)
	}
	response, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: request.Group, GenerationID: noGeneration, Topics: offsets,
	})
	if err != nil {
		return nil, err
	}
	for _, partitions := range response.Topics {
		for _, each := range partitions {
			err = errors.Join(err, each.Error)
		}
	}
	return nil, err
}

func deleteGroupOffsets(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	partitions, err := request.PartitionList()
	if err != nil {
		return nil, err
	}
	topics := map[string][]int{}
	for _, each := range partitions {
		topics[each.Topic] = append(topics[each.Topic], int(each.Partition))
	}
	response, err := client.OffsetDelete(ctx, &kafka.OffsetDeleteRequest{GroupID: request.Group, Topics: topics})
	if err == nil {
		err = response.Error
	}
	if err != nil {
		return nil, err
	}
	for _, partitions := range response.Topics {
		for _, each := range partitions {
			err = errors.Join(err, each.Error)
		}
	}
	return nil, err
}

func removeMembers(ctx context.Context, client *kafka.Client, request *driver.Request) (any, error) {
	members := []kafka.LeaveGroupRequestMember{}
	for _, name := range request.InstanceIDs {
		members = append(members, kafka.LeaveGroupRequestMember{GroupInstanceID: name})
	}
	response, err := client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{GroupID: request.Group, Members: members})
	if err == nil {
		err = response.Error
	}
	if err != nil {
		return nil, err
	}
	for _, member := range response.Members {
		err = errors.Join(err, member.Error)
	}
	return nil, err
}
