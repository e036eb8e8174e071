package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"ottla.compat/driver"
)

func init() { adminCalls["other_calls"] = otherCalls }

// otherCalls are those of kadm that have no operation of their own.
func otherCalls(ctx context.Context, admin *admin, request *driver.Request) (any, error) {
	topic, group := request.Topic, request.Group
	listed := func(call func(context.Context, ...string) (kadm.ListedOffsets, error)) func() error {
		return func() error {
			offsets, err := call(ctx, topic)
			return errors.Join(err, offsets.Error())
		}
	}
	value := "1234567"
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &value}}
	return driver.OtherCalls(map[string]func() error{
		"ListCommittedOffsets":     listed(admin.ListCommittedOffsets),
		"ListLocalLogStartOffsets": listed(admin.ListLocalLogStartOffsets),
		"ListLatestRemoteOffsets":  listed(admin.ListLatestRemoteOffsets),
		"Lag": func() error {
			lags, err := admin.Lag(ctx, group)
			return errors.Join(err, lags.Error())
		},
		"FetchManyOffsets": func() error {
			return admin.FetchManyOffsets(ctx, group, group+"-other")[group].Err
		},
		"CommitOffsetsByID, FetchOffsetsByID": func() error {
			topics, err := admin.ListTopics(ctx, topic)
			if err != nil {
				return err
			}
			offsets := kadm.OffsetsByID{}
			offsets.Add(kadm.Offset{TopicID: topics[topic].ID, Partition: 0, At: 1, LeaderEpoch: -1})
			if err := admin.CommitAllOffsetsByID(ctx, group, offsets); err != nil {
				return err
			}
			_, err = admin.FetchOffsetsByID(ctx, group)
			return err
		},
		"FindGroupCoordinators": func() error { return admin.FindGroupCoordinators(ctx, group).Error() },
		"ListGroupsByType": func() error {
			_, err := admin.ListGroupsByType(ctx, []string{"classic"}, "Empty")
			return err
		},
		"ListTopicsWithInternal": func() error {
			_, err := admin.ListTopicsWithInternal(ctx)
			return err
		},
		"OffsetForLeaderEpoch": func() error {
			wanted := kadm.OffsetForLeaderEpochRequest{}
			wanted.Add(topic, 0, 0)
			_, err := admin.OffsetForLeaderEpoch(ctx, wanted)
			return err
		},
		"ValidateUpdatePartitions": func() error {
			validated, err := admin.ValidateUpdatePartitions(ctx, 9, topic)
			return errors.Join(err, validated.Error())
		},
		"ValidateAlterTopicConfigs": func() error { return altered(admin.ValidateAlterTopicConfigs(ctx, change, topic)) },
	}), nil
}
