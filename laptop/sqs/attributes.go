package sqs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// The numeric attributes with their limits and defaults, as in
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func numeric(name string) (low, high, standard int, ok bool) {
	switch name {
	case "DelaySeconds":
		return 0, 900, 0, true
	case "MaximumMessageSize":
		return 1024, maxMessage, maxMessage, true
	case "MessageRetentionPeriod":
		return 60, 1209600, 345600, true
	case "ReceiveMessageWaitTimeSeconds":
		return 0, 20, 0, true
	case "VisibilityTimeout":
		return 0, 43200, 30, true
	case "KmsDataKeyReusePeriodSeconds":
		return 60, 86400, 300, true
	}
	return 0, 0, 0, false
}

// maxMessage is the size of a message, and of a batch of them, in bytes.
const maxMessage = 1 << 20

// allowed are the values of the attributes that are words.
func allowed(name string) []string {
	switch name {
	case "FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled":
		return []string{"true", "false"}
	case "DeduplicationScope":
		return []string{"queue", "messageGroup"}
	case "FifoThroughputLimit":
		return []string{"perQueue", "perMessageGroupId"}
	}
	return nil
}

// settings is what a queue's attributes say.
type settings struct {
	Values map[string]string // as they were given
}

func (s settings) number(name string) int {
	_, _, standard, _ := numeric(name)
	if n, err := strconv.Atoi(s.Values[name]); err == nil {
		return n
	}
	return standard
}

func (s settings) seconds(name string) time.Duration {
	return time.Duration(s.number(name)) * time.Second
}

func (s settings) fifo() bool { return s.Values["FifoQueue"] == "true" }

// redrive is where messages go that were received too often.
type redrive struct {
	Target string
	Max    int
}

// redrive is nil without a policy.
func (s settings) redrive() *redrive {
	if s.Values["RedrivePolicy"] == "" {
		return nil
	}
	r, err := parseRedrive(s.Values["RedrivePolicy"])
	if err != nil {
		return nil // it was checked when it was set
	}
	return &r
}

// parseRedrive reads a RedrivePolicy. The count comes as a number or as text.
func parseRedrive(policy string) (redrive, error) {
	var in struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
	}
	bad := func(reason string) error {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", policy, reason)
	}
	if err := json.Unmarshal([]byte(policy), &in); err != nil {
		return redrive{}, bad("Redrive policy is not a valid JSON map.")
	}
	if in.DeadLetterTargetArn == "" {
		return redrive{}, bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	n := 10
	if in.MaxReceiveCount != nil {
		var err error
		if n, err = strconv.Atoi(strings.Trim(string(in.MaxReceiveCount), `"`)); err != nil || n < 1 || n > 1000 {
			return redrive{}, bad("Invalid value for maxReceiveCount: " + string(in.MaxReceiveCount) + ", valid values are from 1 to 1000 both inclusive.")
		}
	}
	return redrive{in.DeadLetterTargetArn, n}, nil
}

// check reports the first attribute that a queue of that name cannot have. s.mu is held for reading.
func (s *Service) check(name string, values map[string]string) error {
	bad := func(attribute string) error {
		return awsproto.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", attribute)
	}
	fifo := strings.HasSuffix(name, ".fifo")
	for attribute, value := range values {
		if low, high, _, ok := numeric(attribute); ok {
			if n, err := strconv.Atoi(value); err != nil || n < low || n > high {
				return bad(attribute)
			}
			continue
		}
		if words := allowed(attribute); words != nil {
			if !slices.Contains(words, value) {
				return bad(attribute)
			}
			if !fifo && attribute != "SqsManagedSseEnabled" {
				if attribute == "FifoQueue" && value == "true" {
					return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
				}
				return awsproto.Errorf("InvalidAttributeName", "Unknown Attribute %s.", attribute)
			}
			continue
		}
		switch attribute {
		case "KmsMasterKeyId":
		case "Policy":
			if value != "" && !json.Valid([]byte(value)) {
				return bad(attribute)
			}
		case "RedrivePolicy", "RedriveAllowPolicy":
		default:
			return awsproto.Errorf("InvalidAttributeName", "Unknown Attribute %s.", attribute)
		}
	}
	if fifo && values["FifoQueue"] != "true" {
		return invalid("The name ends in .fifo, which is a FIFO queue's: set the attribute FifoQueue to true")
	}
	if values["FifoThroughputLimit"] == "perMessageGroupId" && values["DeduplicationScope"] != "messageGroup" {
		return invalid("The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	if err := checkAllow(values["RedriveAllowPolicy"]); err != nil {
		return err
	}
	return s.checkRedrive(name, values["RedrivePolicy"])
}
