package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ephor-io/ephor/monitor"
)

// TestOpenGrafana: a new stack is opened to whoever makes it, and what one has is only spoken of.
func TestOpenGrafana(t *testing.T) {
	t.Parallel()
	f := func(answer string, given, kept map[string]string, want, word string) {
		t.Helper()
		asks := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asks++
			if answer == "moved" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			fmt.Fprintln(w, answer)
		}))
		defer server.Close()
		if given == nil {
			given = map[string]string{}
		}
		_, isGiven := given["AllowedCIDR"]
		v, said := monitor.Values{Given: given, Kept: kept}, ""
		openGrafana(t.Context(), v, "Shop-Monitoring", server.URL, func(format string, args ...any) { said += fmt.Sprintf(format, args...) + "\n" })
		if v.Given["AllowedCIDR"] != want || !strings.Contains(said, word) || (word == "") != (said == "") || isGiven != (asks == 0) || asks > 1 || strings.Count(said, "\n") > 1 {
			t.Errorf("%q, given %v, kept %v: %q after %d questions, said %q", answer, given, kept, v.Given["AllowedCIDR"], asks, said)
		}
	}
	has := func(cidr string) map[string]string { return map[string]string{"AllowedCIDR": cidr} }
	f("203.0.113.7", nil, nil, "203.0.113.7/32", "AllowedCIDR=203.0.113.7/32: Grafana's port is for the address that this comes from")
	f("203.0.113.7", has("10.0.0.0/8"), nil, "10.0.0.0/8", "")
	f("203.0.113.7", nil, has("203.0.113.0/24"), "", "")
	f("203.0.113.7", nil, has("198.51.100.1/32"), "", "--parameter AllowedCIDR=203.0.113.7/32 lets it in")
	f("203.0.113.7", nil, has("127.0.0.1/32"), "", "--parameter AllowedCIDR=203.0.113.7/32 lets it in")
	for _, wrong := range []string{"moved", "10.0.0.1", "127.0.0.1", "0.0.0.0", "2001:db8::1", "<html>", "", "203.0.113.7/0", strings.Repeat("2", 100)} {
		f(wrong, nil, nil, "", "Grafana's port is open to nobody: asking http://127.0.0.1:")
		f(wrong, nil, has("198.51.100.1/32"), "", "is not known: asking ")
	}
}

// TestWhoIsAskedForTheAddress: AWS, unless the endpoint that AWS's calls go to is somebody else's; then only who is named.
func TestWhoIsAskedForTheAddress(t *testing.T) {
	f := func(c aws.Config, want string) {
		t.Helper()
		if got := checkIP(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL_CHECKIP", "")
	f(aws.Config{}, "https://checkip.amazonaws.com")
	f(place("http://127.0.0.1:1"), "")
	t.Setenv("AWS_ENDPOINT_URL_CHECKIP", "http://127.0.0.1:2")
	f(aws.Config{}, "http://127.0.0.1:2")
	f(place("http://127.0.0.1:1"), "http://127.0.0.1:2")
}

// TestKeepImage: the host goes on with its image, unless it is told to take another.
func TestKeepImage(t *testing.T) {
	t.Parallel()
	f := func(given, kept map[string]string, has, want string, told bool) {
		t.Helper()
		if given == nil {
			given = map[string]string{}
		}
		said := 0
		keepImage(monitor.Values{Given: given, Kept: kept}, has, func(string, ...any) { said++ })
		got, ok := given["KeepImage"]
		if !ok {
			got = "not given"
		}
		if got != want || (said > 0) != told {
			t.Errorf("given %v, kept %v: %s, said %d", given, kept, got, said)
		}
	}
	f(nil, nil, "", "not given", false)
	f(nil, map[string]string{"ImageId": "a", "KeepImage": ""}, "ami-1", "ami-1", false)
	f(nil, map[string]string{"ImageId": "a", "KeepImage": "ami-1"}, "ami-1", "not given", false)
	f(map[string]string{"KeepImage": ""}, map[string]string{"KeepImage": "ami-1"}, "ami-1", "", false)
	f(map[string]string{"ImageId": "b"}, map[string]string{"ImageId": "a", "KeepImage": "ami-1"}, "ami-1", "", false)
	f(map[string]string{"ImageId": "a"}, map[string]string{"ImageId": "a", "KeepImage": "ami-1"}, "ami-1", "not given", true)
	f(map[string]string{"ImageId": "b"}, nil, "", "not given", false)
}
