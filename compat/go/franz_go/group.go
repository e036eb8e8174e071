package main

import (
	"context"
	"errors"
	"log"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"ottla.compat/driver"
)

var strategies = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
	"sticky": kgo.StickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

// member is a consumer in a group; its callbacks come from the client's own goroutines.
type member struct {
	client *kgo.Client
	group  string

	lock       sync.Mutex
	assigned   map[driver.TopicPartition]bool
	handedOver map[driver.TopicPartition]kgo.EpochOffset // one past the last record of each assigned partition
	rebalances int
}

func (state *franz) join(_ context.Context, request *driver.Request) (any, error) {
	if state.member != nil {
		return nil, errors.New("driver: there is a member already")
	}
	strategy, known := strategies[request.Strategy]
	if !known && request.Strategy != "" {
		return nil, driver.None("franz-go has no strategy %s", request.Strategy)
	}
	joined := &member{
		group:    request.Group,
		assigned: map[driver.TopicPartition]bool{}, handedOver: map[driver.TopicPartition]kgo.EpochOffset{},
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(request.Group), kgo.ConsumeTopics(request.Topics...),
		kgo.SessionTimeout(request.SessionTimeout()), kgo.HeartbeatInterval(request.HeartbeatInterval()),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(joined.gain), kgo.OnPartitionsRevoked(joined.lose), kgo.OnPartitionsLost(joined.lose),
	}
	if known {
		options = append(options, kgo.Balancers(strategy))
	}
	if request.InstanceID != nil {
		options = append(options, kgo.InstanceID(*request.InstanceID))
	}
	client, err := connect(request, options...)
	if err != nil {
		return nil, err
	}
	joined.client, state.member = client, joined
	return nil, nil
}

func (joined *member) gain(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	if len(partitions) > 0 { // a cooperative rebalance that brings nothing new may be told late
		joined.rebalances++
	}
	for pair := range pairs(partitions) {
		joined.assigned[pair] = true
	}
}

func (joined *member) lose(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	for pair := range pairs(partitions) {
		delete(joined.assigned, pair)
		delete(joined.handedOver, pair)
	}
}

func pairs(partitions map[string][]int32) func(func(driver.TopicPartition) bool) {
	return func(yield func(driver.TopicPartition) bool) {
		for topic, numbers := range partitions {
			for _, number := range numbers {
				if !yield(driver.TopicPartition{Topic: topic, Partition: number}) {
					return
				}
			}
		}
	}
}

var errNoMember = errors.New("driver: there is no member")

func (state *franz) assignment(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	defer joined.lock.Unlock()
	partitions := []driver.TopicPartition{}
	for pair := range joined.assigned {
		partitions = append(partitions, pair)
	}
	return driver.Map{"partitions": partitions, "rebalances": joined.rebalances}, nil
}

func (state *franz) poll(ctx context.Context, request *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(request.WaitMs)*time.Millisecond)
	defer cancel()
	fetches := joined.client.PollRecords(ctx, request.Max)
	if err := fetches.Err0(); err != nil && ctx.Err() == nil {
		log.Print(err) // a session that was lost, a broker that is away: the client goes on by itself
	}
	joined.lock.Lock()
	defer joined.lock.Unlock()
	records := []driver.Record{}
	fetches.EachRecord(func(record *kgo.Record) {
		pair := driver.TopicPartition{Topic: record.Topic, Partition: record.Partition}
		if joined.assigned[pair] {
			joined.handedOver[pair] = kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset + 1}
			records = append(records, fromRecord(record))
		}
	})
	return driver.Map{"records": records}, nil
}

func (state *franz) commit(ctx context.Context, _ *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	offsets := []driver.PartitionOffset{}
	toCommit := map[string]map[int32]kgo.EpochOffset{}
	for pair, offset := range joined.handedOver {
		offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: offset.Offset})
		if toCommit[pair.Topic] == nil {
			toCommit[pair.Topic] = map[int32]kgo.EpochOffset{}
		}
		toCommit[pair.Topic][pair.Partition] = offset
	}
	joined.lock.Unlock()
	if len(offsets) == 0 {
		return driver.Map{"offsets": offsets}, nil
	}
	var failure error
	joined.client.CommitOffsetsSync(ctx, toCommit, func(
		_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error,
	) {
		failure = err
		if err != nil {
			return
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				failure = errors.Join(failure, kerr.ErrorForCode(partition.ErrorCode))
			}
		}
	})
	if failure != nil {
		return nil, failure
	}
	return driver.Map{"offsets": offsets}, nil
}

func (state *franz) committed(ctx context.Context, request *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	offsets, err := kadm.NewClient(joined.client).FetchOffsetsForTopics(ctx, joined.group, request.Topic)
	if err != nil {
		return nil, err
	}
	found, known := offsets.Lookup(request.Topic, request.Partition)
	if !known || found.At < 0 {
		return driver.Map{"offset": nil}, found.Err
	}
	return driver.Map{"offset": found.At}, found.Err
}

func (state *franz) leave(context.Context, *driver.Request) (any, error) {
	if state.member == nil {
		return nil, errNoMember
	}
	state.member.client.Close()
	state.member = nil
	return nil, nil
}
