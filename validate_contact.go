package ephor

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html
	validTopicARN = `^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`
	// The six characters that Secrets Manager puts behind a name. Without them a role would have to be let read
	// whatever begins alike.
	// https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
	wholeSecretARN = `-[A-Za-z0-9]{6}$`
)

// validateContacts never says what a secret's ID is: somebody may have put the secret there.
func validateContacts(contacts []Contact, own bool) error {
	var errs []error
	if len(contacts) > MaxContacts {
		errs = append(errs, fmt.Errorf("contacts: there are %d; %d at most", len(contacts), MaxContacts))
	}
	for i, c := range contacts {
		bad := func(text string) { errs = append(errs, fmt.Errorf("contact %d: %s", i+1, text)) }
		given := 0
		for _, is := range []bool{c.Slack != Secret{}, c.Webhook != Secret{}, c.Topic != ""} {
			if is {
				given++
			}
		}
		switch {
		case given == 0:
			bad("it is nobody: Slack, Webhook or Topic")
		case given > 1:
			bad("one of Slack, Webhook and Topic: others are contacts of their own")
		case c.Topic != "" && strings.HasSuffix(c.Topic, ".fifo"):
			bad("Topic is a FIFO topic, which no alarm of CloudWatch reaches: a standard one")
		case c.Topic != "" && !matches(validTopicARN, c.Topic):
			bad("Topic is the ARN of a topic of SNS, such as arn:aws:sns:eu-central-1:123456789012:operators")
		case c.Topic == "" && own:
			bad("Slack and Webhook are for the monitoring host's Grafana; yours has contact points of its own. A Topic is what alarms of CloudWatch reach")
		}
		c.Slack.validateURL("Slack", bad)
		c.Webhook.validateURL("Webhook", bad)
	}
	return errors.Join(errs...)
}

// validateURL is validate of a secret that holds a URL, and that a role of ours reads.
func (s Secret) validateURL(what string, bad func(string)) {
	switch {
	case s == Secret{}:
	case s.ID == "":
		bad(what + " has a Key and no ID")
	case strings.Contains(s.ID, "://"):
		bad(what + " is a URL, which everybody could read in the template and use: it goes to Secrets Manager, and its name here")
	case strings.HasPrefix(s.ID, "arn:") && strings.Contains(s.ID, ":ssm:"):
		bad(what + " is a parameter of Systems Manager: a secret of Secrets Manager")
	case strings.Contains(s.ID, ":") && !matches(validSecretARN, s.ID), !strings.Contains(s.ID, ":") && !matches(validSecret, s.ID):
		bad(what + " is neither the name nor the ARN of a secret in Secrets Manager")
	case strings.Contains(s.ID, ":") && !matches(wholeSecretARN, s.ID):
		bad(what + " is an ARN without the six characters at its end that Secrets Manager adds: the whole ARN, or the name")
	}
	if !matches(validSecretKey, s.Key) {
		bad("the Key of " + what + " is one of a JSON object, without colons, braces and spaces")
	}
}
