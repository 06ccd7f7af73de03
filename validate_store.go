package ephor

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"unicode"

	"github.com/ephor-io/ephor/metrics"
)

const (
	// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
	validSecret    = `^[A-Za-z0-9/_+=.@-]{1,512}$`
	validSecretARN = `^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$`
	validSecretKey = `^[^:{}\\\s]{0,128}$`
	// What InfluxDB 2 and 3 make as tokens.
	// https://docs.influxdata.com/influxdb3/core/admin/tokens/
	looksLikeToken = `^(apiv3_.*|[A-Za-z0-9_+/-]{20,}==)$`
	// What CloudFormation would put something else into.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
	resolved = "{{resolve:"
)

// maxEnvironment is what Lambda takes of a function's environment variables, in bytes, all together.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxEnvironment = 4 << 10

// validate never says what the token is: somebody may have put one in the place of its name.
func (s Store) validate() error {
	var errs []error
	bad := func(text string) { errs = append(errs, errors.New("store: "+text)) }
	u, err := url.Parse(s.URL)
	if err == nil && u.User != nil {
		bad("the URL holds a password, which the template would show to everybody: a Token says where it is kept")
	} else if err := s.address().Check(); err != nil {
		bad(inFields(err))
	} else if u.Scheme == "http" && s.Token.ID != "" {
		bad("the URL is http, so that the token would be sent for everybody to read: https")
	} else if u.Scheme == "http" && s.CA != "" {
		bad("the URL is http, which has no certificate for the CA to check: https")
	}
	switch {
	case s.Bucket != "" && s.User != "":
		bad("there are a Bucket and a User: InfluxDB 2 lets a token write alone")
	case s.User != "" && s.Token.ID == "":
		bad("user " + s.User + " has no password: Token says where it is kept")
	case strings.Contains(s.User, ":"):
		bad("a user's name has no colon in it")
	case strings.ContainsFunc(s.User, unicode.IsControl):
		bad("a user's name has no line break and no other control character in it")
	}
	for _, text := range []string{s.URL, s.Database, s.Organization, s.Bucket, s.User, s.CA} {
		if strings.Contains(text, resolved) {
			bad("a dynamic reference stands in Token alone, as the secret's name")
		}
	}
	s.Token.validate(bad)
	validateCA(s.CA, bad)
	return errors.Join(errs...)
}

// address is what the publisher is told of the store, whose own check it has to pass.
func (s Store) address() metrics.Config {
	return metrics.Config{URL: s.URL, Database: s.Database, Org: s.Organization, Bucket: s.Bucket}
}

// inFields is what the publisher's check says, with the fields in place of the variables that it gets them from.
func inFields(err error) string {
	return strings.NewReplacer("EPHOR_STORE_URL", "URL", "EPHOR_STORE_DATABASE", "Database", "EPHOR_STORE_ORG", "Organization",
		"EPHOR_STORE_BUCKET", "Bucket", "EPHOR_STORE_TOKEN", "Token").Replace(err.Error())
}

func (s Secret) validate(bad func(string)) {
	switch {
	case s.ID == "" && s.Key == "":
	case s.ID == "":
		bad("Token has a Key and no ID")
	case strings.HasPrefix(s.ID, "arn:") && strings.Contains(s.ID, ":ssm:"):
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
		bad("Token is a parameter of Systems Manager, whose secure strings CloudFormation gives to no function: a secret of Secrets Manager")
	case matches(looksLikeToken, s.ID):
		bad("Token looks like a token itself, which would stand in the template: it goes to Secrets Manager, and its name here")
	case strings.Contains(s.ID, ":") && !matches(validSecretARN, s.ID), !strings.Contains(s.ID, ":") && !matches(validSecret, s.ID):
		bad("Token is neither the name nor the ARN of a secret in Secrets Manager")
	}
	if !matches(validSecretKey, s.Key) {
		bad("the Key of Token is one of a JSON object, without colons, braces and spaces")
	}
}

func validateCA(text string, bad func(string)) {
	if text == "" {
		return
	}
	if len(text) > maxEnvironment-1<<10 {
		bad("the CA is longer than 3 KB, and Lambda takes 4 KB of environment variables: the root's certificate alone is enough")
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		bad("the CA is no certificate in PEM")
		return
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		bad("the CA is no certificate in PEM: " + err.Error())
	}
}
