package orders

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func newClient(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap), kgo.AllowAutoTopicCreation())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestOrdersAreCounted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	topic := t.Name() // a topic for each test: they may run side by side
	shop := newClient(t)
	for _, customer := range []string{"anna", "ben", "anna"} {
		if err := Place(ctx, shop, topic, customer, "tea"); err != nil {
			t.Fatal(err)
		}
	}

	reader := newClient(t, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(t.Name()), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	counts, err := Count(ctx, reader, 3)
	if err != nil {
		t.Fatal(err)
	}
	if wanted := map[string]int{"anna": 2, "ben": 1}; !maps.Equal(counts, wanted) {
		t.Fatalf("counted %v, not %v", counts, wanted)
	}
}
