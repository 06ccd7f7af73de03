package apigateway

import (
	"strings"
	"testing"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/pets/1"
	f := func(statements string, want refused) {
		t.Helper()
		p, err := parsePolicy([]byte(`{"Version":"2012-10-17","Statement":` + statements + `}`))
		if err != nil {
			t.Errorf("%s: %v", statements, err)
		} else if got := p.decide(arn); got != want {
			t.Errorf("%s: %d, want %d", statements, got, want)
		}
	}
	f(`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"`+arn+`"}`, 0)
	f(`[{"Sid":"1","Effect":"Allow","Action":["s3:*","EXECUTE-API:invoke"],"Resource":["x","arn:aws:execute-api:*:*:abc/*/GET/pets/?"]}]`, 0)
	f(`{"Effect":"Allow","Action":"*","Resource":"*"}`, 0)
	f(`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:abc/*/GET/pets"}`, notAllowed)
	f(`{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"*"}`, notAllowed)
	f(`[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"execute-api:*","Resource":"*/GET/pets/*"}]`, explicitlyDenied)
	f(`[{"Effect":"Deny","Action":"*","Resource":"*/POST/*"},{"Effect":"Allow","Action":"*","Resource":"*"}]`, 0)
}

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	f := func(document, want string) {
		t.Helper()
		if _, err := parsePolicy([]byte(document)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
	f(`"Allow"`, "policyDocument")
	f(`{"Statement":[]}`, "no Statement")
	f(`{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}`, `the Effect is "Maybe"`)
	f(`{"Statement":{"Effect":"Allow","Action":"*"}}`, "a Resource")
	f(`{"Statement":{"Effect":"Allow","Action":7,"Resource":"*"}}`, "Action")
	f(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{}}}}`, "Statement[0]: Condition: the laptop evaluates Effect")
	f(`{"Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}`, "NotAction")
}
