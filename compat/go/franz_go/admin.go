package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"ottla.compat/driver"
)

// admin is franz-go's admin client, and the client below it for requests built by hand.
type admin struct {
	*kadm.Client
	client *kgo.Client
}

type adminCall = func(ctx context.Context, admin *admin, request *driver.Request) (any, error)

var adminCalls = map[string]adminCall{
	"create_topic": createTopic, "delete_topic": deleteTopic, "create_partitions": createPartitions,
	"list_topics": listTopics, "describe_topic": describeTopic,
	"describe_topic_partitions": describeTopicPartitions,
	"describe_cluster":          describeCluster, "describe_log_dirs": describeLogDirs,
	"describe_producers": describeProducers, "describe_features": describeFeatures, "api_versions": apiVersions,
	"delete_records": deleteRecords, "list_offsets": listOffsets, "watermarks": watermarks,
	"offset_for_time":  offsetForTime,
	"describe_configs": describeConfigs, "alter_configs": alterConfigs,
	"incremental_alter_configs": incrementalAlterConfigs, "list_config_resources": listConfigResources,
	"list_groups": listGroups, "describe_group": describeGroup, "delete_group": deleteGroup,
	"group_offsets": groupOffsets, "alter_group_offsets": alterGroupOffsets,
	"delete_group_offsets": deleteGroupOffsets, "remove_members": removeMembers,
}

func createTopic(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	partitions, err := request.PartitionCount()
	if err != nil {
		return nil, err
	}
	if !request.ValidateOnly {
		_, err = admin.CreateTopic(ctx, partitions, request.ReplicationFactor, request.Configs, request.Topic)
		return nil, err
	}
	validated, err := admin.ValidateCreateTopics(
		ctx, partitions, request.ReplicationFactor, request.Configs, request.Topic,
	)
	return nil, errors.Join(err, validated.Error())
}

func deleteTopic(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	_, err := admin.DeleteTopic(ctx, request.Topic)
	return nil, err
}

func createPartitions(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	created, err := admin.UpdatePartitions(ctx, int(request.Total), request.Topic)
	return nil, errors.Join(err, created.Error())
}

func listTopics(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	topics, err := admin.ListTopics(ctx)
	return driver.Map{"topics": topics.Names()}, err
}

func describeTopic(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	topics, err := admin.ListTopics(ctx, request.Topic)
	if err != nil {
		return nil, err
	}
	topic := topics[request.Topic]
	partitions := []driver.Map{}
	for _, each := range topic.Partitions.Sorted() {
		partitions = append(partitions, driver.Map{
			"partition": each.Partition, "leader": each.Leader, "replicas": each.Replicas, "isr": each.ISR,
		})
	}
	return driver.Map{"partitions": partitions, "topic_id": driver.UUIDText(topic.ID)}, topic.Err
}

func describeCluster(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	metadata, err := admin.BrokerMetadata(ctx)
	return driver.Map{
		"cluster_id": metadata.Cluster, "controller": metadata.Controller, "brokers": metadata.Brokers.NodeIDs(),
	}, err
}

func describeLogDirs(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	described, err := admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil, err
	}
	dirs := []driver.Map{}
	for _, dir := range described.Sorted() {
		if dir.Err != nil {
			return nil, dir.Err
		}
		partitions := []driver.PartitionOffset{}
		dir.Topics.Each(func(each kadm.DescribedLogDirPartition) {
			pair := driver.TopicPartition{Topic: each.Topic, Partition: each.Partition}
			partitions = append(partitions, driver.PartitionOffset{TopicPartition: pair, Offset: each.Size})
		})
		dirs = append(dirs, driver.Map{"path": dir.Dir, "partitions": partitions})
	}
	return driver.Map{"dirs": dirs}, nil
}

func topicPartition(request *driver.Request) kadm.TopicsSet {
	return kadm.TopicsSet{request.Topic: {request.Partition: struct{}{}}}
}

func describeProducers(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	described, err := admin.DescribeProducers(ctx, topicPartition(request))
	if err != nil {
		return nil, err
	}
	producers := []driver.Map{}
	for _, partition := range described.SortedPartitions() {
		if partition.Err != nil {
			return nil, partition.Err
		}
		for _, each := range partition.ActiveProducers.Sorted() {
			producers = append(producers, driver.Map{
				"producer_id": each.ProducerID, "epoch": each.ProducerEpoch, "last_sequence": each.LastSequence,
			})
		}
	}
	return driver.Map{"producers": producers}, nil
}

// anyBroker is what one broker says of itself.
func anyBroker(ctx context.Context, admin *admin) (*kmsg.ApiVersionsResponse, error) {
	versions, err := admin.ApiVersions(ctx)
	if err != nil {
		return nil, err
	}
	for _, each := range versions.Sorted() {
		if each.Err == nil {
			return each.Raw(), nil
		}
		err = each.Err
	}
	return nil, err
}

func apiVersions(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	told, err := anyBroker(ctx, admin)
	if err != nil {
		return nil, err
	}
	apis := [][3]int16{}
	for _, each := range told.ApiKeys {
		apis = append(apis, [3]int16{each.ApiKey, each.MinVersion, each.MaxVersion})
	}
	return driver.Map{"apis": apis}, nil
}

func describeFeatures(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	told, err := anyBroker(ctx, admin)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, each := range told.SupportedFeatures {
		names = append(names, each.Name)
	}
	return driver.Map{"features": names}, nil
}

func deleteRecords(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	offsets := kadm.Offsets{}
	offsets.AddOffset(request.Topic, request.Partition, request.Before, -1)
	deleted, err := admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return nil, err
	}
	response, _ := deleted.Lookup(request.Topic, request.Partition)
	return driver.Map{"low_watermark": response.LowWatermark}, response.Err
}

// listed is the request's partition in an answer, in which an unknown topic has one partition of number -1.
func listed(offsets kadm.ListedOffsets, err error, request *driver.Request) (kadm.ListedOffset, error) {
	if err != nil {
		return kadm.ListedOffset{}, err
	}
	found, known := offsets.Lookup(request.Topic, request.Partition)
	if !known {
		found, known = offsets.Lookup(request.Topic, -1)
	}
	if !known {
		return kadm.ListedOffset{}, kerr.UnknownTopicOrPartition
	}
	return found, found.Err
}

func listOffsets(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	calls := map[string]func(context.Context, ...string) (kadm.ListedOffsets, error){
		"earliest": admin.ListStartOffsets, "latest": admin.ListEndOffsets,
		"max_timestamp": admin.ListMaxTimestampOffsets,
		"": func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return admin.ListOffsetsAfterMilli(ctx, request.At.Number, topics...)
		},
	}
	offsets, err := calls[request.At.Word](ctx, request.Topic)
	found, err := listed(offsets, err, request)
	return driver.Map{"offset": found.Offset, "timestamp": found.Timestamp}, err
}

// offsetForTime knows "none so late" by the missing timestamp: franz-go puts the end offset in its place.
func offsetForTime(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	offsets, err := admin.ListOffsetsAfterMilli(ctx, request.Time, request.Topic)
	found, err := listed(offsets, err, request)
	if err == nil && found.Timestamp < 0 {
		return driver.Map{"offset": nil, "timestamp": nil}, nil
	}
	return driver.Map{"offset": found.Offset, "timestamp": found.Timestamp}, err
}

func watermarks(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	offsets, err := admin.ListStartOffsets(ctx, request.Topic)
	beginning, err := listed(offsets, err, request)
	if err != nil {
		return nil, err
	}
	offsets, err = admin.ListEndOffsets(ctx, request.Topic)
	end, err := listed(offsets, err, request)
	return driver.Map{"beginning": beginning.Offset, "end": end.Offset}, err
}

func listGroups(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	groups, err := admin.ListGroups(ctx)
	return driver.Map{"groups": groups.Groups()}, err
}

func describeGroup(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	described, err := admin.DescribeGroups(ctx, request.Group)
	if err != nil {
		return nil, err
	}
	group := described[request.Group]
	members := []driver.Map{}
	for _, member := range group.Members {
		var assignment any
		if assigned, known := member.Assigned.AsConsumer(); known {
			partitions := []driver.TopicPartition{}
			for _, topic := range assigned.Topics {
				for _, number := range topic.Partitions {
					partitions = append(partitions, driver.TopicPartition{Topic: topic.Topic, Partition: number})
				}
			}
			assignment = partitions
		}
		members = append(members, driver.Map{
			"client_id": member.ClientID, "host": member.ClientHost, "instance_id": member.InstanceID,
			"assignment": assignment,
		})
	}
	return driver.Map{"state": group.State, "protocol": group.Protocol, "members": members}, group.Err
}

func deleteGroup(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	_, err := admin.DeleteGroup(ctx, request.Group)
	return nil, err
}

func groupOffsets(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	fetched, err := admin.FetchOffsets(ctx, request.Group)
	if err != nil {
		return nil, err
	}
	offsets := []driver.PartitionOffset{}
	for _, each := range fetched.Sorted() {
		pair := driver.TopicPartition{Topic: each.Topic, Partition: each.Partition}
		offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: each.At})
	}
	return driver.Map{"offsets": offsets}, fetched.Error()
}

func alterGroupOffsets(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	offsets := kadm.Offsets{}
	for _, each := range request.Offsets {
		offsets.AddOffset(each.Topic, each.Partition, each.Offset, -1)
	}
	return nil, admin.CommitAllOffsets(ctx, request.Group, offsets)
}

func deleteGroupOffsets(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	partitions, err := request.PartitionList()
	if err != nil {
		return nil, err
	}
	set := kadm.TopicsSet{}
	for _, each := range partitions {
		set.Add(each.Topic, each.Partition)
	}
	deleted, err := admin.DeleteOffsets(ctx, request.Group, set)
	return nil, errors.Join(err, deleted.Error())
}

func removeMembers(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	left, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(request.Group).InstanceIDs(request.InstanceIDs...))
	return nil, errors.Join(err, left.Error())
}

var resourceTypes = map[string]kmsg.ConfigResourceType{
	"topic": kmsg.ConfigResourceTypeTopic, "broker": kmsg.ConfigResourceTypeBroker,
	"group": kmsg.ConfigResourceTypeGroupConfig,
}

func listConfigResources(ctx context.Context, admin *admin, _ *driver.Request) (any, error) {
	names := map[kmsg.ConfigResourceType]string{}
	for name, number := range resourceTypes {
		names[number] = name
	}
	listed, err := admin.ListConfigResources(ctx)
	if err != nil {
		return nil, err
	}
	resources := [][2]string{}
	for _, each := range listed.Sorted() {
		name, known := names[each.Type]
		if !known {
			name = each.Type.String()
		}
		resources = append(resources, [2]string{name, each.Name})
	}
	return driver.Map{"resources": resources}, listed.Err
}

func brokerNumber(request *driver.Request) (int32, error) {
	number, err := strconv.ParseInt(request.Name, 10, 32)
	return int32(number), err
}

func describeConfigs(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	var described kadm.ResourceConfigs
	var err error
	switch request.Type {
	case "topic":
		described, err = admin.DescribeTopicConfigs(ctx, request.Name)
	case "broker":
		var broker int32
		if broker, err = brokerNumber(request); err == nil {
			described, err = admin.DescribeBrokerConfigs(ctx, broker)
		}
	default:
		return describeConfigsByHand(ctx, admin.client, request)
	}
	if err != nil {
		return nil, err
	}
	resource, err := described.On(request.Name, nil)
	if err = errors.Join(err, resource.Err); err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for _, each := range resource.Configs {
		configs[each.Key] = each.Value
	}
	return driver.Map{"configs": configs}, nil
}

func alterConfigs(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	configs := []kadm.AlterConfig{}
	for name, value := range request.Configs {
		configs = append(configs, kadm.AlterConfig{Name: name, Value: value})
	}
	switch request.Type {
	case "topic":
		return nil, altered(admin.AlterTopicConfigsState(ctx, configs, request.Name))
	case "broker":
		broker, err := brokerNumber(request)
		if err != nil {
			return nil, err
		}
		return nil, altered(admin.AlterBrokerConfigsState(ctx, configs, broker))
	}
	return nil, alterConfigsByHand(ctx, admin.client, request)
}

var operations = map[string]kadm.IncrementalOp{
	"set": kadm.SetConfig, "delete": kadm.DeleteConfig,
	"append": kadm.AppendConfig, "subtract": kadm.SubtractConfig,
}

func incrementalAlterConfigs(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	configs := []kadm.AlterConfig{}
	for _, each := range request.Ops {
		configs = append(configs, kadm.AlterConfig{Op: operations[each.Op], Name: each.Name, Value: each.Value})
	}
	switch request.Type {
	case "topic":
		return nil, altered(admin.AlterTopicConfigs(ctx, configs, request.Name))
	case "broker":
		broker, err := brokerNumber(request)
		if err != nil {
			return nil, err
		}
		return nil, altered(admin.AlterBrokerConfigs(ctx, configs, broker))
	}
	return nil, incrementalAlterConfigsByHand(ctx, admin.client, request)
}

func altered(responses kadm.AlterConfigsResponses, err error) error {
	for _, each := range responses {
		if each.Err != nil {
			return fmt.Errorf("%w: %s", each.Err, each.ErrMessage)
		}
	}
	return err
}
