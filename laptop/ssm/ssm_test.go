package ssm

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func open(t *testing.T, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParameters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.PutParameter(ParameterInput{Name: "/app/size", Value: "3", ClientToken: "made"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutParameter(ParameterInput{Name: "/app/size", Value: "4"}, true); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	got, err := s.GetParameter("/app/size")
	if err != nil || got.Value != "4" || got.Version != 2 || got.Type != "String" || got.Tier != "Standard" || got.ClientToken != "made" {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	if err := s.DeleteParameter("/app/size"); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).GetParameter("/app/size"); err == nil {
		t.Error("a deleted parameter is back after a restart")
	}
}

func TestParametersRefuse(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if _, err := s.PutParameter(ParameterInput{Name: "there", Value: "x"}, false); err != nil {
		t.Fatal(err)
	}
	f := func(code string, in ParameterInput) {
		t.Helper()
		_, err := s.PutParameter(in, false)
		var e *awsproto.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%+v: %v, want %s", in, err, code)
		}
	}
	f("ParameterAlreadyExists", ParameterInput{Name: "there", Value: "y"})
	f("ValidationException", ParameterInput{Name: "", Value: "x"})
	f("ValidationException", ParameterInput{Name: "a/b", Value: "x"})
	f("ValidationException", ParameterInput{Name: "/a//b", Value: "x"})
	f("ValidationException", ParameterInput{Name: "/a b", Value: "x"})
	f("ValidationException", ParameterInput{Name: "a"})
	f("ValidationException", ParameterInput{Name: "a", Value: strings.Repeat("x", 4097)})
	f("ValidationException", ParameterInput{Name: "a", Value: "x", Tier: "Intelligent-Tiering"})
	f("AccessDeniedException", ParameterInput{Name: "/aws/service/x", Value: "x"})
	f("AccessDeniedException", ParameterInput{Name: "ssm-x", Value: "x"})
	f("UnsupportedParameterType", ParameterInput{Name: "a", Value: "x", Type: "SecureString"})
	if _, err := s.PutParameter(ParameterInput{Name: "a", Value: strings.Repeat("x", 8192), Tier: "Advanced"}, false); err != nil {
		t.Error(err)
	}
}

// TestGetParametersByPath goes through pages as a caller does.
func TestGetParametersByPath(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for i := range 12 {
		if _, err := s.PutParameter(ParameterInput{Name: fmt.Sprintf("/a/b/%03d", i), Value: "x"}, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"/a/b/c/deep", "/a/bc", "/a"} {
		if _, err := s.PutParameter(ParameterInput{Name: other, Value: "x"}, false); err != nil {
			t.Fatal(err)
		}
	}
	f := func(path string, recursive bool, want ...int) {
		t.Helper()
		var got []int
		for next := ""; ; {
			page, after := s.GetParametersByPath(path, recursive, 5, next)
			got = append(got, len(page))
			if next = after; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	f("/a/b", false, 5, 5, 2)
	f("/a/b/", true, 5, 5, 3)
	f("/nothing", true, 0)
}

func TestWire(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(open(t, t.TempDir()))
	t.Cleanup(server.Close)
	f := func(action, body string, status int, want string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AmazonSSM."+action)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !strings.Contains(string(text), want) {
			t.Errorf("%s %s: %d %s, want %d with %s", action, body, resp.StatusCode, text, status, want)
		}
	}
	f("PutParameter", `{"Name":"/a/b","Value":"1","Type":"String"}`, 200, `"Version":1`)
	f("PutParameter", `{"Name":"/a/b","Value":"2"}`, 400, "ParameterAlreadyExists")
	f("GetParameter", `{"Name":"/a/b"}`, 200, `"Value":"1"`)
	f("GetParameter", `{"Name":"/a/c"}`, 400, "ParameterNotFound")
	f("GetParameters", `{"Names":["/a/b","/a/c"]}`, 200, `"InvalidParameters":["/a/c"]`)
	f("GetParametersByPath", `{"Path":"/a"}`, 200, `"ARN":"arn:aws:ssm:us-east-1:000000000000:parameter/a/b"`)
	f("GetParametersByPath", `{"Path":"/a","MaxResults":11}`, 400, "MaxResults is 11")
	f("GetParametersByPath", `{"Path":"a"}`, 400, "must begin with a forward slash")
	f("GetParametersByPath", `{"Path":"/a","ParameterFilters":[{}]}`, 400, "not known on the laptop")
	f("DeleteParameter", `{"Name":"/a/b"}`, 200, "{}")
	f("DescribeParameters", `{}`, 400, "on this machine Systems Manager knows DeleteParameter, GetParameter,")
	f("GetParameter", `[`, 400, "SerializationException")
}
