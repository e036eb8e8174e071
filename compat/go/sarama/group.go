package main

import (
	"context"
	"errors"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"ottla.compat/driver"
)

var strategies = map[string]func() sarama.BalanceStrategy{
	"range": sarama.NewBalanceStrategyRange, "roundrobin": sarama.NewBalanceStrategyRoundRobin,
	"sticky": sarama.NewBalanceStrategySticky, "cooperative-sticky": sarama.NewBalanceStrategyCooperativeSticky,
}

// member is a consumer in a group; sarama calls it from a goroutine for each partition.
type member struct {
	group    string
	consumer sarama.ConsumerGroup
	stop     context.CancelFunc
	stopped  chan struct{}
	arrived  chan struct{} // something was added to waiting
	errors   chan error

	lock       sync.Mutex
	waiting    []*sarama.ConsumerMessage   // until poll asks for them
	session    sarama.ConsumerGroupSession // nil outside of one
	generation int32
	rebalances int
	handedOver map[driver.TopicPartition]int64 // one past the last record of each claimed partition
}

func (state *clients) join(_ context.Context, request *driver.Request) (any, error) {
	if state.member != nil {
		return nil, errors.New("driver: there is a member already")
	}
	strategy, known := strategies[request.Strategy]
	if !known && request.Strategy != "" {
		return nil, driver.None("sarama has no strategy %s", request.Strategy)
	}
	settings := config()
	if known {
		settings.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy()}
	}
	settings.Consumer.Group.Session.Timeout = request.SessionTimeout()
	settings.Consumer.Group.Heartbeat.Interval = request.HeartbeatInterval()
	if request.InstanceID != nil {
		settings.Consumer.Group.InstanceId = *request.InstanceID
	}
	consumer, err := sarama.NewConsumerGroup([]string{request.Bootstrap}, request.Group, settings)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	joined := &member{
		group: request.Group, consumer: consumer, stop: stop, stopped: make(chan struct{}),
		arrived: make(chan struct{}, 1), errors: make(chan error, 100),
		handedOver: map[driver.TopicPartition]int64{},
	}
	go joined.keepErrors()
	go joined.consume(ctx, request.Topics)
	state.member = joined
	return nil, nil
}

// keepErrors holds some errors for commit, which is told of its own in no other way.
func (joined *member) keepErrors() {
	for err := range joined.consumer.Errors() {
		log.Print(err)
		select {
		case joined.errors <- err:
		default:
		}
	}
}

// consume goes from session to session, as sarama wants it.
func (joined *member) consume(ctx context.Context, topics []string) {
	defer close(joined.stopped)
	for ctx.Err() == nil {
		if err := joined.consumer.Consume(ctx, topics, joined); err != nil {
			log.Print(err)
			if errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

// Setup is called when a session starts.
func (joined *member) Setup(session sarama.ConsumerGroupSession) error {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	joined.session = session
	joined.notice()
	return nil
}

// Cleanup is called when a session is over.
func (joined *member) Cleanup(sarama.ConsumerGroupSession) error {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	joined.session = nil
	return nil
}

// notice counts generations; a cooperative session lives through many. The lock is held.
func (joined *member) notice() {
	if joined.session != nil && joined.session.GenerationID() != joined.generation {
		joined.generation = joined.session.GenerationID()
		joined.rebalances++
	}
}

// ConsumeClaim is called for each partition that was gained. It takes whatever comes, for that its messages are over
// is the only sign that the partition was taken away.
func (joined *member) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	pair := driver.TopicPartition{Topic: claim.Topic(), Partition: claim.Partition()}
	joined.forget(pair)
	for message := range claim.Messages() {
		joined.lock.Lock()
		joined.waiting = append(joined.waiting, message)
		joined.lock.Unlock()
		select {
		case joined.arrived <- struct{}{}:
		default:
		}
	}
	joined.forget(pair)
	return nil
}

// forget what is known of a partition and what came of it.
func (joined *member) forget(pair driver.TopicPartition) {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	delete(joined.handedOver, pair)
	joined.waiting = slices.DeleteFunc(joined.waiting, func(message *sarama.ConsumerMessage) bool {
		return message.Topic == pair.Topic && message.Partition == pair.Partition
	})
}

var errNoMember = errors.New("driver: there is no member")

func (state *clients) assignment(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	defer joined.lock.Unlock()
	joined.notice()
	partitions := []driver.TopicPartition{}
	for pair := range joined.assigned() {
		partitions = append(partitions, pair)
	}
	return driver.Map{"partitions": partitions, "rebalances": joined.rebalances}, nil
}

// assigned partitions of the session. The lock is held.
func (joined *member) assigned() map[driver.TopicPartition]bool {
	assigned := map[driver.TopicPartition]bool{}
	if joined.session != nil {
		for topic, numbers := range joined.session.Claims() {
			for _, number := range numbers {
				assigned[driver.TopicPartition{Topic: topic, Partition: number}] = true
			}
		}
	}
	return assigned
}

func (state *clients) poll(_ context.Context, request *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	deadline := time.After(time.Duration(request.WaitMs) * time.Millisecond)
	for {
		if records := joined.handOver(request.Max); len(records) > 0 {
			return driver.Map{"records": records}, nil
		}
		select {
		case <-joined.arrived:
		case <-deadline:
			return driver.Map{"records": []driver.Record{}}, nil
		}
	}
}

func (joined *member) handOver(limit int) []driver.Record {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	records := []driver.Record{}
	count := min(limit, len(joined.waiting))
	for _, message := range joined.waiting[:count] {
		joined.handedOver[driver.TopicPartition{Topic: message.Topic, Partition: message.Partition}] = message.Offset + 1
		records = append(records, fromMessage(message))
	}
	joined.waiting = joined.waiting[count:]
	return records
}

func (state *clients) commit(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.lock.Lock()
	session, assigned := joined.session, joined.assigned()
	offsets := []driver.PartitionOffset{}
	for pair, offset := range joined.handedOver {
		if assigned[pair] {
			offsets = append(offsets, driver.PartitionOffset{TopicPartition: pair, Offset: offset})
		}
	}
	joined.lock.Unlock()
	if session == nil {
		return nil, errors.New("sarama has no session now: the group rebalances")
	}
	for len(joined.errors) > 0 {
		<-joined.errors
	}
	for _, each := range offsets {
		session.MarkOffset(each.Topic, each.Partition, each.Offset, "")
	}
	session.Commit()
	select {
	case err := <-joined.errors:
		return nil, err
	default:
		return driver.Map{"offsets": offsets}, nil
	}
}

func (state *clients) committed(_ context.Context, request *driver.Request) (any, error) {
	if state.member == nil {
		return nil, errNoMember
	}
	if err := state.connect(request); err != nil {
		return nil, err
	}
	found, err := state.admin.ListConsumerGroupOffsets(
		state.member.group, map[string][]int32{request.Topic: {request.Partition}},
	)
	if err != nil {
		return nil, err
	}
	block := found.GetBlock(request.Topic, request.Partition)
	if block == nil || block.Offset < 0 {
		return driver.Map{"offset": nil}, nil
	}
	return driver.Map{"offset": block.Offset}, refusal(block.Err)
}

func (state *clients) leave(context.Context, *driver.Request) (any, error) {
	joined := state.member
	if joined == nil {
		return nil, errNoMember
	}
	joined.stop()
	<-joined.stopped
	state.member = nil
	return nil, joined.consumer.Close()
}
