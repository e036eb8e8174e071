package main

import (
	"context"
	"errors"
	"log"
	"os"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"ottla.compat/driver"
)

var strategies = map[string][]kafka.GroupBalancer{
	"": nil, "range": {kafka.RangeGroupBalancer{}}, "roundrobin": {kafka.RoundRobinGroupBalancer{}},
}

// bufferedRecords is how many records wait for poll before reading pauses.
const bufferedRecords = 300

// member is kafka-go's ConsumerGroup, from which a Reader is made as well; a Reader would not tell its partitions.
// Each generation has a reader for each partition that was assigned.
type member struct {
	name      string
	bootstrap string
	group     *kafka.ConsumerGroup
	messages  chan message

	lock       sync.Mutex
	generation *kafka.Generation // nil between two of them
	rebalances int
	handedOver map[driver.TopicPartition]int64 // one past the last record of each assigned partition
}

// message with the generation that it was read in.
type message struct {
	kafka.Message
	generation *kafka.Generation
}

func (state *clients) join(_ context.Context, request *driver.Request) (any, error) {
	if state.member != nil {
		return nil, errors.New("driver: there is a member already")
	}
	strategy, known := strategies[request.Strategy]
	if !known {
		return nil, driver.None("kafka-go has no strategy %s", request.Strategy)
	}
	if request.InstanceID != nil {
		return nil, driver.None("kafka-go has no static members")
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: request.Group, Brokers: []string{request.Bootstrap}, Dialer: dialer(), Topics: request.Topics,
		GroupBalancers: strategy, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: request.HeartbeatInterval(), SessionTimeout: request.SessionTimeout(),
		JoinGroupBackoff: time.Second, ErrorLogger: log.New(os.Stderr, "", log.LstdFlags),
	})
	if err != nil {
		return nil, err
	}
	joined := &member{
		name: request.Group, bootstrap: request.Bootstrap, group: group,
		messages: make(chan message, bufferedRecords), handedOver: map[driver.TopicPartition]int64{},
	}
	go joined.run()
	state.member = joined
	return nil, nil
}

// run goes from generation to generation until the group is closed.
func (joined *member) run() {
	for {
		generation, err := joined.group.Next(context.Background())
		if errors.Is(err, kafka.ErrGroupClosed) {
			return
		}
		if err != nil {
			log.Print(err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		joined.lock.Lock()
		joined.generation = generation
		joined.rebalances++
		joined.handedOver = map[driver.TopicPartition]int64{}
		joined.lock.Unlock()
		generation.Start(func(ctx context.Context) {
			<-ctx.Done()
			joined.lock.Lock()
			defer joined.lock.Unlock()
			if joined.generation == generation {
				joined.generation = nil
			}
		})
		for topic, partitions := range generation.Assignments {
			for _, partition := range partitions {
				generation.Start(func(ctx context.Context) { joined.read(ctx, generation, topic, partition) })
			}
		}
	}
}

func (joined *member) read(
	ctx context.Context, generation *kafka.Generation, topic string, partition kafka.PartitionAssignment,
) {
	reader := newReader(joined.bootstrap, topic, partition.ID)
	defer reader.Close()
	if err := reader.SetOffset(partition.Offset); err != nil {
		log.Print(err)
		return
	}
	for {
		read, err := reader.FetchMessage(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.Print(err)
			}
			return
		}
		select {
		case joined.messages <- message{read, generation}:
		case <-ctx.Done():
			return
		}
	}
}

var errNoMember = errors.New("driver: there is no member")

func (state *clients) assignment(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	defer joined.lock.Unlock()
	partitions := []driver.TopicPartition{}
	if joined.generation != nil {
		for topic, assigned := range joined.generation.Assignments {
			for _, each := range assigned {
				partitions = append(partitions, driver.TopicPartition{Topic: topic, Partition: int32(each.ID)})
			}
		}
	}
	return driver.Map{"partitions": partitions, "rebalances": joined.rebalances}, nil
}

func (state *clients) poll(_ context.Context, request *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	records := []driver.Record{}
	deadline := time.After(time.Duration(request.WaitMs) * time.Millisecond)
	for {
		select {
		case read := <-joined.messages:
			records = joined.handOver(records, read)
		case <-deadline:
			return driver.Map{"records": records}, nil
		}
		if len(records) == request.Max || len(records) > 0 && len(joined.messages) == 0 {
			return driver.Map{"records": records}, nil
		}
	}
}

// handOver adds a record, unless it belongs to a generation that is over.
func (joined *member) handOver(records []driver.Record, read message) []driver.Record {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	if read.generation != joined.generation {
		return records
	}
	joined.handedOver[driver.TopicPartition{Topic: read.Topic, Partition: int32(read.Partition)}] = read.Offset + 1
	return append(records, fromMessage(read.Message))
}

func (state *clients) commit(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	defer joined.lock.Unlock()
	if joined.generation == nil {
		return nil, errors.New("kafka-go has no generation now: the group rebalances")
	}
	offsets := []driver.PartitionOffset{}
	toCommit := map[string]map[int]int64{}
	for pair, offset := range joined.handedOver {
		offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: offset})
		if toCommit[pair.Topic] == nil {
			toCommit[pair.Topic] = map[int]int64{}
		}
		toCommit[pair.Topic][int(pair.Partition)] = offset
	}
	return driver.Map{"offsets": offsets}, joined.generation.CommitOffsets(toCommit)
}

func (state *clients) committed(ctx context.Context, request *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	fetched, err := state.shared(request).OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: joined.name, Topics: map[string][]int{request.Topic: {int(request.Partition)}},
	})
	if err == nil {
		err = fetched.Error
	}
	if err != nil {
		return nil, err
	}
	for _, partition := range fetched.Topics[request.Topic] {
		if partition.Error != nil {
			return nil, partition.Error
		}
		if partition.CommittedOffset >= 0 {
			return driver.Map{"offset": partition.CommittedOffset}, nil
		}
	}
	return driver.Map{"offset": nil}, nil
}

func (state *clients) leave(context.Context, *driver.Request) (any, error) {
	if state.member == nil {
		return nil, errNoMember
	}
	defer func() { state.member = nil }()
	return nil, state.member.group.Close()
}
