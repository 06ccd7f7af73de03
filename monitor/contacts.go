package monitor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// The forms of Grafana's files of contact points and notification policies, as far as ours have them.
//
// https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
type (
	contactFile struct {
		APIVersion int             `json:"apiVersion"`
		Points     []contactPoint  `json:"contactPoints,omitempty"`
		Policies   []contactPolicy `json:"policies,omitempty"`
		Reset      []int           `json:"resetPolicies,omitempty"`
		Delete     []contactGone   `json:"deleteContactPoints,omitempty"`
	}
	contactPoint struct {
		OrgID     int        `json:"orgId"`
		Name      string     `json:"name"`
		Receivers []receiver `json:"receivers"`
	}
	receiver struct {
		UID      string         `json:"uid"`
		Type     string         `json:"type"`
		Settings map[string]any `json:"settings"`
	}
	contactPolicy struct {
		OrgID    int      `json:"orgId"`
		Receiver string   `json:"receiver"`
		GroupBy  []string `json:"group_by"`
	}
	contactGone struct {
		OrgID int    `json:"orgId"`
		UID   string `json:"uid"`
	}
)

// contactSecrets is where the host keeps the URLs, each in a file of the contact's number. Grafana takes the files' text
// as it reads its own file, so that no URL stands in that.
//
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#file-provider
const contactSecrets = "/etc/ephor/contacts/"

// contactName is the one contact point's, which has every contact as a receiver; all alerts go to it.
const contactName = "Ephor"

// secret is a contact's, and Grafana's type of a receiver with it; of a topic there is none.
func secretOf(c ephor.Contact) (s ephor.Secret, kind string) {
	switch {
	case c.Slack.ID != "":
		return c.Slack, "slack"
	case c.Webhook.ID != "":
		return c.Webhook, "webhook"
	}
	return ephor.Secret{}, "sns"
}

// contactPoints renders contacts as a file that the host's Grafana is provisioned with. Receivers are known by their UIDs,
// so those of contacts that are no longer there are taken away one by one, and it is no error that they are not there. nil
// leaves alone what there is, and is no file.
//
// https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/configure-amazon-sns/
func contactPoints(contacts []ephor.Contact) ([]byte, error) {
	if contacts == nil {
		return nil, nil
	}
	uid := func(i int) string { return "ephor-" + strconv.Itoa(i) }
	file, point := contactFile{APIVersion: 1}, contactPoint{OrgID: 1, Name: contactName}
	for i, c := range contacts {
		s, kind := secretOf(c)
		settings := map[string]any{"url": "$__file{" + contactSecrets + strconv.Itoa(i) + "}"}
		if s.ID == "" {
			// Without a key of its own it signs as the machine's role.
			settings = map[string]any{"topic_arn": c.Topic, "sigv4": map[string]any{"region": strings.Split(c.Topic+":::", ":")[3]}}
		}
		point.Receivers = append(point.Receivers, receiver{UID: uid(i), Type: kind, Settings: settings})
	}
	if len(contacts) > 0 {
		file.Points = []contactPoint{point}
		file.Policies = []contactPolicy{{OrgID: 1, Receiver: contactName, GroupBy: []string{"grafana_folder", "alertname"}}}
	} else {
		file.Reset = []int{1}
	}
	for i := len(contacts); i < ephor.MaxContacts; i++ {
		file.Delete = append(file.Delete, contactGone{OrgID: 1, UID: uid(i)})
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("rendering the contact points: %w", err)
	}
	return append(text, '\n'), nil
}

// contactList tells the host which secrets to read: a line for each, of the file's name, the secret's and its key.
func contactList(contacts []ephor.Contact) []byte {
	var b strings.Builder
	for i, c := range contacts {
		if s, _ := secretOf(c); s.ID != "" {
			fmt.Fprintf(&b, "%d %s %s\n", i, s.ID, s.Key)
		}
	}
	return []byte(b.String())
}

// contactRights are what the host's role may do for contacts: read their secrets, and publish to their topics.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
func contactRights(contacts []ephor.Contact) (secrets, topics []any) {
	seen := map[string]bool{}
	for _, c := range contacts {
		s, _ := secretOf(c)
		if id := s.ID + c.Topic; seen[id] {
			continue
		} else {
			seen[id] = true
		}
		switch {
		case c.Topic != "":
			topics = append(topics, c.Topic)
		case strings.HasPrefix(s.ID, "arn:"):
			secrets = append(secrets, s.ID)
		default: // Secrets Manager puts a hyphen and six characters behind a name
			secrets = append(secrets, cfn.Sub("arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"+s.ID+"-??????"))
		}
	}
	return secrets, topics
}
