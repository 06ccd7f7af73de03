package awsproto

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// credentialScope is an access key with what it was used for: KEY/DATE/REGION/SERVICE/aws4_request.
var credentialScope = regexp.MustCompile(`^([^/]+)/[0-9]{8}/[^/]+/([a-z0-9-]+)/aws4_request$`)

const algorithm = "AWS4-HMAC-SHA256"

// Signature is what a request's signature says: whose access key it was made with and for which
// service. Both are "" if the request is not signed, in its Authorization header or its query. The
// signature itself is not checked: on the laptop any key will do.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func Signature(r *http.Request) (accessKey, service string) {
	credential := ""
	if rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" "); ok {
		for part := range strings.SplitSeq(rest, ",") {
			if c, ok := strings.CutPrefix(strings.TrimSpace(part), "Credential="); ok {
				credential = c
			}
		}
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") {
		if q, err := url.ParseQuery(r.URL.RawQuery); err == nil && q.Get("X-Amz-Signature") != "" {
			credential = q.Get("X-Amz-Credential")
		}
	}
	m := credentialScope.FindStringSubmatch(credential)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// Caller is who everybody is on the laptop: its one user.
type Caller struct{ ARN, UserID, Account string }

// CallerOf is the one user of an account.
func CallerOf(account string) Caller {
	return Caller{ARN: "arn:aws:iam::" + account + ":user/ephor", UserID: "AIDAEPHOREPHOREPHOR00", Account: account}
}
