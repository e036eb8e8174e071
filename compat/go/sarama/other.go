package main

import (
	"github.com/IBM/sarama"
	"ottla.compat/driver"
)

func init() { adminCalls["other_calls"] = otherCalls }

// otherCalls are those of sarama's admin and client that have no operation of their own.
func otherCalls(state *clients, request *driver.Request) (any, error) {
	return driver.OtherCalls(map[string]func() error{
		"Controller": func() error {
			_, err := state.admin.Controller()
			return err
		},
		"Coordinator": func() error {
			_, err := state.admin.Coordinator(request.Group)
			return err
		},
		"DescribeConfig": func() error {
			_, err := state.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: request.Topic})
			return err
		},
		"DescribeConfigs with synonyms": func() error {
			resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: request.Topic}
			options := sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true}
			_, err := state.admin.DescribeConfigs([]*sarama.ConfigResource{resource}, options)
			return err
		},
		"InitProducerID": func() error {
			response, err := state.client.InitProducerID()
			if err != nil {
				return err
			}
			return refusal(response.Err)
		},
		"CreatePartitions, validated": func() error {
			return state.admin.CreatePartitions(request.Topic, 9, nil, true)
		},
	}), nil
}
