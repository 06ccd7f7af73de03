package s3

import "strings"

// The notification configuration on the wire, as in
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
type notificationConfiguration struct {
	Functions   []functionConfiguration `xml:"CloudFunctionConfiguration"`
	EventBridge *struct{}               `xml:"EventBridgeConfiguration"`
	// What else may be told, which is refused.
	Queues []struct{} `xml:"QueueConfiguration"`
	Topics []struct{} `xml:"TopicConfiguration"`
}

type functionConfiguration struct {
	ID       string   `xml:"Id"`
	Events   []string `xml:"Event"`
	Function string   `xml:"CloudFunction"`
	Filter   *filter  `xml:"Filter"`
}

type filter struct {
	Rules []filterRule `xml:"S3Key>FilterRule"`
}

type filterRule struct{ Name, Value string }

func (f *filter) prefixAndSuffix() (prefix, suffix string, err error) {
	if f == nil {
		return "", "", nil
	}
	for _, r := range f.Rules {
		switch into := map[string]*string{"prefix": &prefix, "suffix": &suffix}[strings.ToLower(r.Name)]; {
		case into == nil:
			return "", "", fail("InvalidArgument", 400, "filter rule name must be either prefix or suffix, not %q", r.Name)
		case *into != "":
			return "", "", fail("InvalidArgument", 400, "Cannot specify more than one %s rule in a filter.", r.Name)
		default:
			*into = r.Value
		}
	}
	return prefix, suffix, nil
}

func (s *Service) servePutNotification(c *call) error {
	var in notificationConfiguration
	if err := c.document(&in); err != nil {
		return err
	}
	switch {
	case len(in.Queues) > 0:
		return notImplemented("QueueConfiguration")
	case len(in.Topics) > 0:
		return notImplemented("TopicConfiguration")
	case in.EventBridge != nil && s.config.Bus == nil:
		return notImplemented("EventBridgeConfiguration without EventBridge")
	}
	var all []Notification
	for _, f := range in.Functions {
		n := Notification{ID: f.ID, Function: f.Function, Events: f.Events}
		var err error
		if n.Prefix, n.Suffix, err = f.Filter.prefixAndSuffix(); err != nil {
			return err
		}
		all = append(all, n)
	}
	all, err := s.checkNotifications(c.bucket, all)
	if err != nil {
		return err
	}
	return c.configured(s, func(b *Bucket) error { b.Notifications, b.EventBridge = all, in.EventBridge != nil; return nil })
}

func (s *Service) serveGetNotification(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	var out struct {
		Functions   []functionConfiguration `xml:"CloudFunctionConfiguration"`
		EventBridge *struct{}               `xml:"EventBridgeConfiguration"`
	}
	if b.EventBridge {
		out.EventBridge = &struct{}{}
	}
	for _, n := range b.Notifications {
		f := functionConfiguration{ID: n.ID, Events: n.Events, Function: n.Function}
		for _, r := range []filterRule{{"Prefix", n.Prefix}, {"Suffix", n.Suffix}} {
			if r.Value == "" {
				continue
			}
			if f.Filter == nil {
				f.Filter = &filter{}
			}
			f.Filter.Rules = append(f.Filter.Rules, r)
		}
		out.Functions = append(out.Functions, f)
	}
	return c.answer("NotificationConfiguration", out)
}
