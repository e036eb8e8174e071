package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"ottla.compat/driver"
)

type adminCall = func(state *clients, request *driver.Request) (any, error)

var adminCalls = map[string]adminCall{
	"create_topic": createTopic, "delete_topic": deleteTopic, "create_partitions": createPartitions,
	"list_topics": listTopics, "describe_topic": describeTopic,
	"describe_cluster": describeCluster, "describe_log_dirs": describeLogDirs,
	"describe_producers": describeProducers, "describe_features": describeFeatures, "api_versions": apiVersions,
	"delete_records": deleteRecords, "list_offsets": listOffsets, "watermarks": watermarks,
	"offset_for_time":  offsetForTime,
	"describe_configs": describeConfigs, "alter_configs": alterConfigs,
	"incremental_alter_configs": incrementalAlterConfigs,
	"list_groups":               listGroups, "describe_group": describeGroup, "delete_group": deleteGroup,
	"group_offsets": groupOffsets, "alter_group_offsets": alterGroupOffsets,
	"delete_group_offsets": deleteGroupOffsets, "remove_members": removeMembers,
}

// refusal is nil for "no error", which sarama has as an error of its own.
func refusal(err sarama.KError) error {
	if err == sarama.ErrNoError {
		return nil
	}
	return err
}

func createTopic(state *clients, request *driver.Request) (any, error) {
	partitions, err := request.PartitionCount()
	if err != nil {
		return nil, err
	}
	detail := &sarama.TopicDetail{
		NumPartitions: partitions, ReplicationFactor: request.ReplicationFactor, ConfigEntries: request.Configs,
	}
	return nil, state.admin.CreateTopic(request.Topic, detail, request.ValidateOnly)
}

func deleteTopic(state *clients, request *driver.Request) (any, error) {
	return nil, state.admin.DeleteTopic(request.Topic)
}

func createPartitions(state *clients, request *driver.Request) (any, error) {
	return nil, state.admin.CreatePartitions(request.Topic, request.Total, nil, false)
}

func listTopics(state *clients, _ *driver.Request) (any, error) {
	topics, err := state.admin.ListTopics()
	names := []string{}
	for name := range topics {
		names = append(names, name)
	}
	return driver.Map{"topics": names}, err
}

func describeTopic(state *clients, request *driver.Request) (any, error) {
	topics, err := state.admin.DescribeTopics([]string{request.Topic})
	if err != nil {
		return nil, err
	}
	if len(topics) != 1 {
		return nil, fmt.Errorf("%d topics described", len(topics))
	}
	partitions := []driver.Map{}
	for _, each := range topics[0].Partitions {
		partitions = append(partitions, driver.Map{
			"partition": each.ID, "leader": each.Leader, "replicas": each.Replicas, "isr": each.Isr,
		})
	}
	return driver.Map{"partitions": partitions, "topic_id": topics[0].Uuid.String()}, refusal(topics[0].Err)
}

func describeCluster(state *clients, _ *driver.Request) (any, error) {
	brokers, controller, err := state.admin.DescribeCluster()
	ids := []int32{}
	for _, broker := range brokers {
		ids = append(ids, broker.ID())
	}
	return driver.Map{"cluster_id": nil, "controller": controller, "brokers": ids}, err
}

func brokerIDs(state *clients) []int32 {
	ids := []int32{}
	for _, broker := range state.client.Brokers() {
		ids = append(ids, broker.ID())
	}
	return ids
}

func describeLogDirs(state *clients, _ *driver.Request) (any, error) {
	described, err := state.admin.DescribeLogDirs(brokerIDs(state))
	if err != nil {
		return nil, err
	}
	dirs := []driver.Map{}
	for _, ofBroker := range described {
		for _, dir := range ofBroker {
			if err := refusal(dir.ErrorCode); err != nil {
				return nil, err
			}
			partitions := []driver.PartitionOffset{}
			for _, topic := range dir.Topics {
				for _, each := range topic.Partitions {
					pair := driver.TopicPartition{Topic: topic.Topic, Partition: each.PartitionID}
					partitions = append(partitions, driver.PartitionOffset{TopicPartition: pair, Offset: each.Size})
				}
			}
			dirs = append(dirs, driver.Map{"path": dir.Path, "partitions": partitions})
		}
	}
	return driver.Map{"dirs": dirs}, nil
}

// describeProducers goes to the partition's leader by hand: sarama's admin has no such call, its brokers have.
func describeProducers(state *clients, request *driver.Request) (any, error) {
	leader, err := state.client.Leader(request.Topic, request.Partition)
	if err != nil {
		return nil, err
	}
	response, err := leader.DescribeProducers(&sarama.DescribeProducersRequest{
		Topics: []sarama.DescribeProducersRequestTopic{
			{Name: request.Topic, PartitionIndexes: []int32{request.Partition}},
		},
	})
	if err != nil {
		return nil, err
	}
	producers := []driver.Map{}
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			if err := refusal(partition.ErrorCode); err != nil {
				return nil, err
			}
			for _, each := range partition.ActiveProducers {
				producers = append(producers, driver.Map{
					"producer_id": each.ProducerID, "epoch": each.ProducerEpoch, "last_sequence": each.LastSequence,
				})
			}
		}
	}
	return driver.Map{"producers": producers}, nil
}

// versionsOfBroker is the newest answer to ApiVersions that sarama can read; its admin does not ask for it.
func versionsOfBroker(state *clients) (*sarama.ApiVersionsResponse, error) {
	broker, err := state.client.Controller()
	if err != nil {
		return nil, err
	}
	request := &sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "sarama", ClientSoftwareVersion: "compat"}
	response, err := broker.ApiVersions(request)
	if err != nil {
		return nil, err
	}
	return response, refusal(sarama.KError(response.ErrorCode))
}

func apiVersions(state *clients, _ *driver.Request) (any, error) {
	response, err := versionsOfBroker(state)
	if err != nil {
		return nil, err
	}
	apis := [][3]int16{}
	for _, each := range response.ApiKeys {
		apis = append(apis, [3]int16{each.ApiKey, each.MinVersion, each.MaxVersion})
	}
	return driver.Map{"apis": apis}, nil
}

func describeFeatures(state *clients, _ *driver.Request) (any, error) {
	response, err := versionsOfBroker(state)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, each := range response.SupportedFeatures {
		names = append(names, each.Name)
	}
	return driver.Map{"features": names}, nil
}

// deleteRecords: sarama does not tell the low watermark, and puts the broker's answer into a text.
func deleteRecords(state *clients, request *driver.Request) (any, error) {
	return nil, state.admin.DeleteRecords(request.Topic, map[int32]int64{request.Partition: request.Before})
}

func offsetAt(state *clients, request *driver.Request, at int64) (*sarama.OffsetResult, error) {
	wanted := map[string]map[int32]int64{request.Topic: {request.Partition: at}}
	listed, err := state.admin.ListOffsets(wanted, nil)
	if err != nil {
		return nil, err
	}
	found := listed[request.Topic][request.Partition]
	if found == nil {
		return nil, errors.New("sarama lists nothing for the partition")
	}
	if found.Err != nil && !errors.Is(found.Err, sarama.ErrNoError) {
		return nil, found.Err
	}
	return found, nil
}

func listOffsets(state *clients, request *driver.Request) (any, error) {
	at := request.At.Number
	switch request.At.Word {
	case "earliest":
		at = sarama.OffsetOldest
	case "latest":
		at = sarama.OffsetNewest
	case "max_timestamp":
		return nil, driver.None("sarama lists the oldest, the newest and by time")
	}
	found, err := offsetAt(state, request, at)
	if err != nil {
		return nil, err
	}
	return driver.Map{"offset": found.Offset, "timestamp": found.Timestamp}, nil
}

func offsetForTime(state *clients, request *driver.Request) (any, error) {
	found, err := offsetAt(state, request, request.Time)
	if err != nil || found.Offset < 0 {
		return driver.Map{"offset": nil, "timestamp": nil}, err
	}
	return driver.Map{"offset": found.Offset, "timestamp": found.Timestamp}, nil
}

// watermarks as a consumer asks for them.
func watermarks(state *clients, request *driver.Request) (any, error) {
	beginning, err := state.client.GetOffset(request.Topic, request.Partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	end, err := state.client.GetOffset(request.Topic, request.Partition, sarama.OffsetNewest)
	return driver.Map{"beginning": beginning, "end": end}, err
}

// group is the resource type of a group's settings, which sarama does not name (Kafka's number).
const group sarama.ConfigResourceType = 32

var resourceTypes = map[string]sarama.ConfigResourceType{
	"topic": sarama.TopicResource, "broker": sarama.BrokerResource, "group": group,
}

func describeConfigs(state *clients, request *driver.Request) (any, error) {
	resource := &sarama.ConfigResource{Type: resourceTypes[request.Type], Name: request.Name}
	described, err := state.admin.DescribeConfigs([]*sarama.ConfigResource{resource}, sarama.DescribeConfigsOptions{})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, each := range described {
		if err := refusal(each.ErrorCode); err != nil {
			return nil, fmt.Errorf("%w: %s", err, each.ErrorMsg)
		}
		for _, config := range each.Configs {
			configs[config.Name] = config.Value
		}
	}
	return driver.Map{"configs": configs}, nil
}

func alterConfigs(state *clients, request *driver.Request) (any, error) {
	return nil, state.admin.AlterConfig(resourceTypes[request.Type], request.Name, request.Configs, false)
}

var operations = map[string]sarama.IncrementalAlterConfigsOperation{
	"set": sarama.IncrementalAlterConfigsOperationSet, "delete": sarama.IncrementalAlterConfigsOperationDelete,
	"append":   sarama.IncrementalAlterConfigsOperationAppend,
	"subtract": sarama.IncrementalAlterConfigsOperationSubtract,
}

func incrementalAlterConfigs(state *clients, request *driver.Request) (any, error) {
	entries := map[string]sarama.IncrementalAlterConfigsEntry{}
	for _, each := range request.Ops {
		entries[each.Name] = sarama.IncrementalAlterConfigsEntry{Operation: operations[each.Op], Value: each.Value}
	}
	return nil, state.admin.IncrementalAlterConfig(resourceTypes[request.Type], request.Name, entries, false)
}

func listGroups(state *clients, _ *driver.Request) (any, error) {
	groups, err := state.admin.ListConsumerGroups()
	names := []string{}
	for name := range groups {
		names = append(names, name)
	}
	return driver.Map{"groups": names}, err
}

func describeGroup(state *clients, request *driver.Request) (any, error) {
	groups, err := state.admin.DescribeConsumerGroups([]string{request.Group})
	if err != nil {
		return nil, err
	}
	if len(groups) != 1 {
		return nil, fmt.Errorf("%d groups described", len(groups))
	}
	members := []driver.Map{}
	for _, member := range groups[0].Members {
		assignment, err := member.GetMemberAssignment()
		if err != nil {
			return nil, err
		}
		partitions := []driver.TopicPartition{}
		if assignment != nil {
			for topic, numbers := range assignment.Topics {
				for _, number := range numbers {
					partitions = append(partitions, driver.TopicPartition{Topic: topic, Partition: number})
				}
			}
		}
		members = append(members, driver.Map{
			"client_id": member.ClientId, "host": member.ClientHost, "instance_id": member.GroupInstanceId,
			"assignment": partitions,
		})
	}
	return driver.Map{
		"state": groups[0].State, "protocol": groups[0].Protocol, "members": members,
	}, refusal(groups[0].Err)
}

func deleteGroup(state *clients, request *driver.Request) (any, error) {
	return nil, state.admin.DeleteConsumerGroup(request.Group)
}

func groupOffsets(state *clients, request *driver.Request) (any, error) {
	fetched, err := state.admin.ListConsumerGroupOffsets(request.Group, nil)
	if err != nil {
		return nil, err
	}
	offsets := []driver.PartitionOffset{}
	for topic, partitions := range fetched.Blocks {
		for number, block := range partitions {
			if err := refusal(block.Err); err != nil {
				return nil, err
			}
			pair := driver.TopicPartition{Topic: topic, Partition: number}
			offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: block.Offset})
		}
	}
	return driver.Map{"offsets": offsets}, refusal(fetched.GroupError())
}

func alterGroupOffsets(state *clients, request *driver.Request) (any, error) {
	offsets := map[string]map[int32]sarama.OffsetAndMetadata{}
	for _, each := range request.Offsets {
		if offsets[each.Topic] == nil {
			offsets[each.Topic] = map[int32]sarama.OffsetAndMetadata{}
		}
		offsets[each.Topic][each.Partition] = sarama.OffsetAndMetadata{Offset: each.Offset, LeaderEpoch: -1}
	}
	response, err := state.admin.AlterConsumerGroupOffsets(request.Group, offsets, nil)
	if err != nil {
		return nil, err
	}
	for _, partitions := range response.Errors {
		for _, each := range partitions {
			err = errors.Join(err, refusal(each))
		}
	}
	return nil, err
}

func deleteGroupOffsets(state *clients, request *driver.Request) (any, error) {
	partitions, err := request.PartitionList()
	if err != nil {
		return nil, err
	}
	for _, each := range partitions {
		err = errors.Join(err, state.admin.DeleteConsumerGroupOffset(request.Group, each.Topic, each.Partition))
	}
	return nil, err
}

func removeMembers(state *clients, request *driver.Request) (any, error) {
	response, err := state.admin.RemoveMemberFromConsumerGroup(request.Group, request.InstanceIDs)
	if err != nil {
		return nil, err
	}
	err = refusal(response.Err)
	for _, member := range response.Members {
		err = errors.Join(err, refusal(member.Err))
	}
	return nil, err
}
