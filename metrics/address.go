package metrics

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// writeURL is where points are sent to. Its errors say what is wrong with Config, and hold no secret.
func (c Config) writeURL() (string, error) {
	u, err := c.base()
	if err != nil {
		return "", err
	}
	switch {
	case c.Bucket == "" && c.Org != "":
		return "", fmt.Errorf("the store has an organisation, %q, but no bucket: set EPHOR_STORE_BUCKET too", c.Org)
	case c.Bucket != "" && c.Database != "":
		return "", fmt.Errorf("the store has a database, %q, and a bucket, %q: set EPHOR_STORE_BUCKET for InfluxDB 2's API, or EPHOR_STORE_DATABASE for that of 1.x", c.Database, c.Bucket)
	}
	for name, value := range map[string]string{"DATABASE": c.Database, "ORG": c.Org, "BUCKET": c.Bucket} {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return "", fmt.Errorf("EPHOR_STORE_%s is %q: it holds a line break or another control character; take that out", name, value)
		}
	}
	// Said, because the default differs: nanoseconds, or guessed from the number in InfluxDB 3.
	query := url.Values{"precision": {"ns"}}
	if c.Bucket != "" {
		u = u.JoinPath("api/v2/write")
		query.Set("bucket", c.Bucket)
		if c.Org != "" {
			query.Set("org", c.Org)
		}
	} else {
		u = u.JoinPath("write")
		query.Set("db", c.Database)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

const wantURL = "want one such as https://store.example.com:8086"

// base is the URL that Config names, below which a store has its API.
func (c Config) base() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, errors.New("EPHOR_STORE_URL does not parse: " + wantURL) // what the parser quotes may hold a password
	case u.User != nil:
		return nil, errors.New("EPHOR_STORE_URL holds credentials: they belong into EPHOR_STORE_TOKEN, as user:password")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		if strings.ContainsAny(c.URL, "@?") {
			return nil, errors.New("EPHOR_STORE_URL is none of http or https with a host: " + wantURL)
		}
		return nil, fmt.Errorf("EPHOR_STORE_URL is %q, none of http or https with a host: %s", c.URL, wantURL)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("EPHOR_STORE_URL has a query, behind its ?: leave that out; EPHOR_STORE_DATABASE, or EPHOR_STORE_ORG and EPHOR_STORE_BUCKET, say where to, and EPHOR_STORE_TOKEN who writes")
	case u.Fragment != "" || strings.HasSuffix(c.URL, "#"):
		return nil, errors.New("EPHOR_STORE_URL has a fragment, behind its #, which no server gets to see: leave that out")
	}
	if host := u.Hostname(); strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, fmt.Errorf("EPHOR_STORE_URL names the host %q, which is not ASCII: write it as the name system has it, with xn-- (the command idn prints it)", host)
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535) {
		return nil, fmt.Errorf("EPHOR_STORE_URL has the port %s: ports go from 1 to 65535, and InfluxDB's is 8086", u.Port())
	}
	return u, nil
}

// checkToken says what is wrong with Config's Token, and not what it is.
//
// https://www.rfc-editor.org/rfc/rfc7617#section-2 (no control characters, UTF-8 else) and
// https://www.rfc-editor.org/rfc/rfc9110#section-5.5 (a header is ASCII).
func (c Config) checkToken() error {
	trimmed := strings.TrimRight(c.Token, "\r\n")
	switch {
	case trimmed != c.Token && !strings.ContainsFunc(trimmed, unicode.IsControl):
		return errors.New("EPHOR_STORE_TOKEN ends in a line break: take it out of the secret (printf instead of echo writes none)")
	case strings.ContainsFunc(c.Token, unicode.IsControl):
		return errors.New("EPHOR_STORE_TOKEN holds a line break or another control character: take it out of the secret")
	case strings.HasPrefix(c.Authorization(), "Token ") && strings.ContainsFunc(c.Token, func(r rune) bool { return r > unicode.MaxASCII }):
		return errors.New("EPHOR_STORE_TOKEN is a token that is not ASCII, which no store gives out: copy it anew, or write user:password if that is meant")
	}
	return nil
}
