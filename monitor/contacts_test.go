package monitor

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
)

func contacts() []ephor.Contact {
	return []ephor.Contact{{Slack: ephor.Secret{ID: "shop/slack", Key: "url"}}, {Topic: operators}}
}

// unbundled are the files that a host unpacks.
func unbundled(t *testing.T, g ephor.Grafana) map[string]string {
	t.Helper()
	pieces, err := bundle(g)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(pieces, "")[64:])))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		text, rerr := io.ReadAll(archive)
		if err != nil || rerr != nil {
			t.Fatal(err, rerr)
		}
		files[h.Name] = string(text)
	}
}

// TestContactsInTheBundle: Grafana's file names files, the host's list names secrets, and neither has one.
func TestContactsInTheBundle(t *testing.T) {
	t.Parallel()
	g := hello()
	g.Contacts = append(contacts(), ephor.Contact{Webhook: ephor.Secret{ID: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pager-AbCdEf"}})
	files := unbundled(t, g)
	golden(t, "contacts.json", []byte(files["alerting/contacts.json"]))
	want := "0 shop/slack url\n2 arn:aws:secretsmanager:eu-central-1:123456789012:secret:pager-AbCdEf \n"
	if diff := cmp.Diff(want, files["contacts"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Without a word about contacts, Grafana keeps what it has.
	g.Contacts = nil
	files = unbundled(t, g)
	if text, there := files["alerting/contacts.json"]; there || files["contacts"] != "" {
		t.Errorf("nobody is named, and there is %s, %s", text, files["contacts"])
	}
	// With the word that there is nobody, those of before go.
	g.Contacts = []ephor.Contact{}
	var file contactFile
	if err := json.Unmarshal([]byte(unbundled(t, g)["alerting/contacts.json"]), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Points) != 0 || len(file.Policies) != 0 || len(file.Reset) != 1 || len(file.Delete) != ephor.MaxContacts {
		t.Errorf("%+v", file)
	}
}

// TestRoleReachesContacts: the role may read exactly the secrets of contacts, beside the stack's own, and publish to
// exactly their topics.
func TestRoleReachesContacts(t *testing.T) {
	t.Parallel()
	f := func(contacts []ephor.Contact, wantSecrets, wantTopics string) {
		t.Helper()
		text, err := json.Marshal(identity(contacts)["HostRole"].Properties["Policies"])
		if err != nil {
			t.Fatal(err)
		}
		var policies []struct {
			PolicyDocument struct {
				Statement []struct {
					Action   []string
					Resource any
				}
			}
		}
		if err := json.Unmarshal(text, &policies); err != nil {
			t.Fatal(err)
		}
		var secrets, topics []string
		for _, s := range policies[0].PolicyDocument.Statement {
			resource, err := json.Marshal(s.Resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, action := range s.Action {
				switch {
				case strings.HasPrefix(action, "secretsmanager:"):
					secrets = append(secrets, action+string(resource))
				case strings.HasPrefix(action, "sns:"):
					topics = append(topics, action+string(resource))
				}
			}
		}
		const own = `{"Ref":"AdminSecret"},{"Ref":"WriterSecret"},{"Ref":"ReaderSecret"},{"Ref":"GrafanaSecret"}`
		if diff := cmp.Diff("secretsmanager:GetSecretValue["+own+wantSecrets+"]", strings.Join(secrets, " ")); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantTopics, strings.Join(topics, " ")); diff != "" {
			t.Errorf("topics (-want +got):\n%s", diff)
		}
	}
	f(nil, "", "")
	f([]ephor.Contact{{Topic: operators}, {Topic: operators}}, "", `sns:Publish["`+operators+`"]`)
	const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pager-AbCdEf"
	f(append(contacts(), ephor.Contact{Webhook: ephor.Secret{ID: arn}}, ephor.Contact{Webhook: ephor.Secret{ID: "shop/slack", Key: "other"}}),
		`,{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:shop/slack-??????"},"`+arn+`"`,
		`sns:Publish["`+operators+`"]`)
}

// TestContactsPassLint: the template with contacts is one that CloudFormation takes.
func TestContactsPassLint(t *testing.T) {
	t.Parallel()
	g := hello()
	g.Contacts = contacts()
	lints(t, g)
}
