package monitor

import (
	"strings"
	"testing"
)

// TestLoginSaysThatNobodyGetsThere, where Grafana's port is open to nobody.
func TestLoginSaysThatNobodyGetsThere(t *testing.T) {
	t.Parallel()
	for allowed, nobody := range map[string]bool{Nobody: true, "127.0.0.2/32": true, "203.0.113.7/32": false, "": false} {
		text := Login(map[string]string{"GrafanaURL": "https://192.0.2.7:3000", "GrafanaSecret": "arn"}, "", allowed)
		if !strings.HasPrefix(text, "Grafana: https://192.0.2.7:3000/login, user admin") || strings.Contains(text, "open to nobody until provision --parameter AllowedCIDR=ADDRESS/32") != nobody {
			t.Errorf("%q: %s", allowed, text)
		}
	}
}
