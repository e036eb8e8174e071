// Package orders counts what customers order: the code under test.
package orders

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Place writes an order, keyed by its customer.
func Place(ctx context.Context, client *kgo.Client, topic, customer, item string) error {
	record := &kgo.Record{Topic: topic, Key: []byte(customer), Value: []byte(item)}
	return client.ProduceSync(ctx, record).FirstErr()
}

// Count reads until it has seen as many orders as wanted, and returns how many each customer placed.
func Count(ctx context.Context, client *kgo.Client, wanted int) (map[string]int, error) {
	counts := map[string]int{}
	for seen := 0; seen < wanted; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			counts[string(record.Key)]++
			seen++
		})
	}
	return counts, client.CommitUncommittedOffsets(ctx)
}
