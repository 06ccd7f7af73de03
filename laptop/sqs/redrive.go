package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// allowPolicy says which queues may send their dead letters here.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func parseAllow(policy string) (allowPolicy, error) {
	if policy == "" {
		return allowPolicy{Permission: "allowAll"}, nil
	}
	var p allowPolicy
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return p, invalid("Value %s for parameter RedriveAllowPolicy is invalid. Reason: Redrive allow policy is not a valid JSON map.", policy)
	}
	return p, nil
}

func checkAllow(policy string) error {
	p, err := parseAllow(policy)
	if err != nil {
		return err
	}
	bad := func(reason string) error {
		return invalid("Value %s for parameter RedriveAllowPolicy is invalid. Reason: %s", policy, reason)
	}
	switch {
	case p.Permission != "allowAll" && p.Permission != "denyAll" && p.Permission != "byQueue":
		return bad("redrivePermission is allowAll, denyAll or byQueue.")
	case (p.Permission == "byQueue") != (len(p.Sources) > 0):
		return bad("sourceQueueArns goes with byQueue, and only with it.")
	case len(p.Sources) > 10:
		return bad("it may name 10 source queues at most.")
	}
	return nil
}

// checkRedrive reports why a queue may not send its dead letters where policy says. s.mu is held.
func (s *Service) checkRedrive(name, policy string) error {
	if policy == "" {
		return nil
	}
	r, err := parseRedrive(policy)
	if err != nil {
		return err
	}
	bad := func(reason string) error {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", policy, reason)
	}
	target := s.queues[nameOf(r.Target)]
	if target == nil || s.arn(nameOf(r.Target)) != r.Target {
		return bad("Dead letter target does not exist.")
	}
	if strings.HasSuffix(name, ".fifo") != strings.HasSuffix(r.Target, ".fifo") {
		return bad("Dead-letter queue must be same type of queue as the source.")
	}
	// The queue itself may be the target's own source, and hold its lock: then nothing is to be asked.
	if nameOf(r.Target) == name {
		return nil
	}
	allow, err := parseAllow(target.settings().Values["RedriveAllowPolicy"])
	if err != nil {
		return err
	}
	if allow.Permission == "denyAll" || allow.Permission == "byQueue" && !slices.Contains(allow.Sources, s.arn(name)) {
		return bad("the dead letter target's RedriveAllowPolicy does not let this queue in.")
	}
	return nil
}

// DeadLetterSources are the ARNs of the queues whose dead letters a queue gets.
func (s *Service) DeadLetterSources(id string) ([]string, error) {
	if _, err := s.find(id); err != nil {
		return nil, err
	}
	target := s.arn(nameOf(id))
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sources []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if r := s.queues[name].settings().redrive(); r != nil && r.Target == target {
			sources = append(sources, s.arn(name))
		}
	}
	return sources, nil
}

// moveTimeout is how long a dead letter is hidden while it is on its way.
const moveTimeout = 30 * time.Second

// bury moves messages, which nobody else can receive for a while, to the dead letter queue: first
// they are there, then they are gone here, so that a crash in between doubles and loses none.
func (s *Service) bury(from *queue, target string, dead []*message) {
	to, err := s.find(target)
	if err == nil {
		err = to.adopt(s.arn(from.name), dead)
	}
	if err == nil {
		err = from.drop(dead)
	}
	if err != nil {
		s.config.Problem(fmt.Errorf("moving %d messages from queue %s to its dead letter queue %s, to be tried again in %v: %w",
			len(dead), from.name, target, moveTimeout, err))
	}
}
