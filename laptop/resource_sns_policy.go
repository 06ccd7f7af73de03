package laptop

import (
	"net/http"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/sns"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html
type topicPolicyProperties struct {
	PolicyDocument any
	Topics         []string
}

func topicPolicies(service *sns.Service) cloudformation.Provider {
	return sharedPolicy[topicPolicyProperties]{
		required: []string{"PolicyDocument", "Topics"},
		of:       func(p topicPolicyProperties) (any, []string) { return p.PolicyDocument, p.Topics },
		key:      "Topics",
		mark: func(topic string) (string, error) {
			t, err := service.Topic(topic)
			return t.PolicyMark, err
		},
		set: func(topic, document, mark string) error {
			return service.EditTopic(topic, func(t *sns.Topic) {
				delete(t.Attributes, "Policy")
				if t.PolicyMark = mark; document != "" {
					t.Attributes["Policy"] = document
				}
			})
		},
		gone: func(err error) bool { return err != nil && awsproto.From(err).Status == http.StatusNotFound },
	}.provider()
}
