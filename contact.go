package ephor

// Contact is somebody whom alerts reach. One of its fields is given.
//
//	app.Monitor(ephor.Grafana{Contacts: []ephor.Contact{
//		{Slack: ephor.Secret{ID: "shop/slack", Key: "url"}},
//		{Topic: "arn:aws:sns:eu-central-1:123456789012:operators"},
//	}})
type Contact struct {
	// Slack is where the URL of an incoming webhook of Slack's is kept.
	Slack Secret
	// Webhook is where a URL is kept, to which Grafana sends alerts as JSON.
	Webhook Secret
	// Topic is the ARN of a topic of SNS in the stack's region, which reaches whoever is subscribed: addresses of e-mail,
	// too, for which Grafana would need a mail server. Alarms of CloudWatch reach topics alone.
	Topic string
}

// MaxContacts is how many contacts there may be.
const MaxContacts = 10
