package monitor

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Signal is what a host that is ready tells its stack; the stack's outputs are cut out of it.
type Signal struct {
	// StoreURL and GrafanaURL are where the host is reached.
	StoreURL, GrafanaURL string
	// CA is "system" or a certificate in base64.
	CA string
}

// Body is the request that is PUT to Settings.Signal, with an empty Content-Type, because the
// address is signed for one.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
func (s Signal) Body() ([]byte, error) {
	parts := []string{s.StoreURL, s.GrafanaURL, s.CA}
	for i, name := range []string{"StoreURL", "GrafanaURL", "CA"} {
		if parts[i] == "" || strings.ContainsAny(parts[i], "\",\\\n") {
			return nil, fmt.Errorf("signal of the host: %s: %q: it must not be empty nor hold a comma, a quotation mark, a backslash or a line break", name, parts[i])
		}
	}
	return json.Marshal(map[string]string{
		"Status":   "SUCCESS",
		"Reason":   "the host is ready",
		"UniqueId": "ephor",
		"Data":     strings.Join(parts, ","),
	})
}
