package ephor_test

import (
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
)

func TestValidateContacts(t *testing.T) {
	t.Parallel()
	const operators = "arn:aws:sns:eu-central-1:123456789012:operators"
	f := func(want string, own bool, contacts ...ephor.Contact) {
		t.Helper()
		app := ephor.New("Shop")
		app.Function("Orders", handler)
		if own {
			app.Monitor(ephor.Store{URL: "https://store.example.com:8086", Contacts: contacts})
		} else {
			app.Monitor(ephor.Grafana{Contacts: contacts})
		}
		err := app.Validate()
		refused(t, err, want)
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	secret := func(id string) ephor.Secret { return ephor.Secret{ID: id} }
	f("", false)
	f("", false, ephor.Contact{Slack: secret("shop/slack")}, ephor.Contact{Webhook: ephor.Secret{ID: "shop/hooks", Key: "pager"}}, ephor.Contact{Topic: operators})
	f("", false, ephor.Contact{Slack: secret("arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/slack-AbCdEf")})
	f("", true, ephor.Contact{Topic: operators})

	f("contact 2: it is nobody", false, ephor.Contact{Topic: operators}, ephor.Contact{})
	f("others are contacts of their own", false, ephor.Contact{Topic: operators, Slack: secret("a")})
	f("a FIFO topic", false, ephor.Contact{Topic: operators + ".fifo"})
	f("Topic is the ARN", false, ephor.Contact{Topic: "operators"})
	f("Topic is the ARN", false, ephor.Contact{Topic: "arn:aws:sns:eu-central-1:123456789012:operators:0f2c"})
	f("yours has contact points of its own", true, ephor.Contact{Slack: secret("a")})
	f("Slack is a URL", false, ephor.Contact{Slack: secret("https://hooks.slack.com/services/geheim")})
	f("Webhook is a URL", false, ephor.Contact{Webhook: secret("https://geheim@example.com")})
	f("a Key and no ID", false, ephor.Contact{Slack: ephor.Secret{Key: "k"}})
	f("the Key of Webhook", false, ephor.Contact{Webhook: ephor.Secret{ID: "a", Key: "a:b"}})
	f("a parameter of Systems Manager", false, ephor.Contact{Slack: secret("arn:aws:ssm:eu-central-1:123456789012:parameter/slack")})
	f("neither the name nor the ARN", false, ephor.Contact{Slack: secret("geheim geheim")})
	f("the six characters", false, ephor.Contact{Slack: secret("arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack")})
	f("there are 11; 10 at most", false, make([]ephor.Contact, 11)...)
}
