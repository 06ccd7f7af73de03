package access

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	c := Call{Principal: "sns.amazonaws.com", Action: "sqs:SendMessage", Resource: "arn:aws:sqs:us-east-1:000000000000:q",
		SourceARN: "arn:aws:sns:us-east-1:000000000000:t", Account: "000000000000"}
	f := func(want string, statements ...string) {
		t.Helper()
		policy := ""
		if statements != nil {
			policy = `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ", ") + `]}`
		}
		err := Check(policy, c)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", policy, err, want)
		}
	}
	statement := func(effect, rest string) string {
		return `{"Effect": "` + effect + `", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:000000000000:q"` + rest + `}`
	}
	const sns = `, "Principal": {"Service": "sns.amazonaws.com"}`
	f("no policy")
	f("", statement("Allow", sns))
	f("", statement("Allow", `, "Principal": "*"`))
	f("", statement("Allow", `, "Principal": {"AWS": "*"}`))
	f("", statement("Allow", `, "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}`))
	f("no statement", statement("Allow", `, "Principal": {"Service": "events.amazonaws.com"}`))
	f("no statement", statement("Allow", `, "Principal": {"AWS": "arn:aws:iam::000000000000:root"}`))
	f("", `{"Effect": "Allow", "Action": ["SQS:*"], "Resource": "*"`+sns+`}`)
	f("no statement", `{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"`+sns+`}`)
	f("no statement", `{"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:us-east-1:000000000000:other"`+sns+`}`)
	f("", statement("Allow", sns+`, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:000000000000:t"}, "StringEquals": {"aws:SourceAccount": "000000000000"}}`))
	f("", statement("Allow", sns+`, "Condition": {"ArnLike": {"AWS:SourceArn": ["x", "arn:aws:sns:*:*:t"]}}`))
	f("no statement", statement("Allow", sns+`, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:000000000000:other"}}`))
	f("aws:PrincipalOrgID is not evaluated", statement("Allow", sns+`, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}`))
	f("DateGreaterThan is not evaluated", statement("Allow", sns+`, "Condition": {"DateGreaterThan": {"aws:SourceArn": "x"}}`))
	f("NotResource of a policy is not evaluated", statement("Allow", sns+`, "NotResource": "x"`))
	f("denies it", statement("Allow", sns), statement("Deny", `, "Principal": "*"`))
	f("", statement("Allow", sns), statement("Deny", `, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}`))
	if err := Check(`{`, c); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}
