package monitor

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseUserData(t *testing.T) {
	t.Parallel()
	f := func(text string, want Settings, wantErr string) {
		t.Helper()
		for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text))} {
			got, err := ParseUserData(form)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(wantErr, message); diff != "" {
				t.Errorf("error of %q (-want +got):\n%s", form, diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("settings of %q (-want +got):\n%s", form, diff)
			}
		}
	}
	f("#!/bin/sh\nEPHOR_SIGNAL='http://127.0.0.1:4566/w?a=b&c=d'\nEPHOR_DATABASE='ephor'\n", Settings{Signal: "http://127.0.0.1:4566/w?a=b&c=d", Database: "ephor"}, "")
	f("EPHOR_SIGNAL='x'\r\nEPHOR_STORE_PORT='8086'\r\nother='y'\n", Settings{Signal: "x", StorePort: 8086}, "")
	f("EPHOR_SIGNAL='x'\nEPHOR_UNKNOWN='z'\nexport EPHOR_STACK='not a setting line'\n", Settings{Signal: "x"}, "")
	f("#!/bin/sh\n", Settings{}, "user data: EPHOR_SIGNAL is not set, so nobody would learn that the host is ready")
	f("EPHOR_SIGNAL=x\n", Settings{}, "user data, line 1: EPHOR_SIGNAL: the value does not stand between single quotes")
	f("\nEPHOR_SIGNAL='a'b'\n", Settings{}, "user data, line 2: EPHOR_SIGNAL: the value does not stand between single quotes")
	f("EPHOR_SIGNAL='a'\nEPHOR_SIGNAL='b'\n", Settings{}, "user data, line 2: EPHOR_SIGNAL is set twice")
	f("EPHOR_SIGNAL='a'\nEPHOR_STORE_PORT='65536'\n", Settings{}, `user data: EPHOR_STORE_PORT: "65536" is not a port`)
}

// FuzzParseUserData holds that what is read was written, on a line of its own.
func FuzzParseUserData(f *testing.F) {
	whole, err := userData("HostReadyHandle")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add("EPHOR_SIGNAL='x'\nEPHOR_STORE_PORT='1'")
	f.Add("RVBIT1JfU0lHTkFMPSd4Jwo=")
	f.Add("EPHOR_SIGNAL='''")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseUserData(text)
		if err != nil {
			if s != (Settings{}) {
				t.Errorf("settings %+v beside the error %v", s, err)
			}
			return
		}
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			text = string(decoded)
		}
		for name, value := range map[string]string{"EPHOR_SIGNAL": s.Signal, "EPHOR_STACK": s.Stack, "EPHOR_DATABASE": s.Database} {
			if value != "" && !strings.Contains("\n"+text, "\n"+name+"='"+value+"'") {
				t.Errorf("%s is %q, which is not in %q", name, value, text)
			}
		}
	})
}

func TestSignalRefuses(t *testing.T) {
	t.Parallel()
	f := func(s Signal, want string) {
		t.Helper()
		_, err := s.Body()
		if err == nil || !strings.HasPrefix(err.Error(), "signal of the host: "+want+": ") {
			t.Errorf("%+v: got %v, want an error about %s", s, err, want)
		}
	}
	f(Signal{GrafanaURL: "b", CA: "c"}, "StoreURL")
	f(Signal{StoreURL: "a", GrafanaURL: "b,b", CA: "c"}, "GrafanaURL")
	f(Signal{StoreURL: "a", GrafanaURL: "b", CA: "c\"c"}, "CA")
	f(Signal{StoreURL: "a", GrafanaURL: "b", CA: "-----BEGIN\n"}, "CA")
}
