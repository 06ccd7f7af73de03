package lambda

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestFunctionURLs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := &recorder{}
	at := func(id string) (string, error) { return "http://" + id + ".localhost/", nil }
	s := open(t, Config{Dir: dir, Events: r.add, FunctionURL: at})
	create(t, s, hello(t))
	publish(t, s, "hello")
	if _, err := s.CreateAlias(t.Context(), "hello", AliasInput{Name: "live", Version: "1"}); err != nil {
		t.Fatal(err)
	}
	c, _ := client(t, s)
	ctx, name, live := t.Context(), aws.String("hello"), aws.String("live")
	made, err := c.CreateFunctionUrlConfig(ctx, &sdk.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: types.FunctionUrlAuthTypeNone,
		Cors: &types.Cors{AllowOrigins: []string{"https://example.com"}, MaxAge: aws.Int32(60)}})
	if err != nil || !strings.HasPrefix(*made.FunctionUrl, "http://") || *made.FunctionArn != s.arn("hello") || made.InvokeMode != types.InvokeModeBuffered {
		t.Fatalf("%+v %v", made, err)
	}
	if _, err := c.CreateFunctionUrlConfig(ctx, &sdk.CreateFunctionUrlConfigInput{FunctionName: name, Qualifier: live, AuthType: types.FunctionUrlAuthTypeAwsIam,
		InvokeMode: types.InvokeModeResponseStream}); err != nil {
		t.Fatal(err)
	}
	changed, err := c.UpdateFunctionUrlConfig(ctx, &sdk.UpdateFunctionUrlConfigInput{FunctionName: name, Cors: &types.Cors{}, AuthType: types.FunctionUrlAuthTypeAwsIam})
	if err != nil || changed.Cors != nil || changed.AuthType != types.FunctionUrlAuthTypeAwsIam || *changed.FunctionUrl != *made.FunctionUrl {
		t.Errorf("%+v %v", changed, err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir, Events: r.add, FunctionURL: at})
	c, _ = client(t, s)
	list, err := c.ListFunctionUrlConfigs(ctx, &sdk.ListFunctionUrlConfigsInput{FunctionName: name})
	if err != nil || len(list.FunctionUrlConfigs) != 2 || *list.FunctionUrlConfigs[0].FunctionUrl != *made.FunctionUrl || *list.FunctionUrlConfigs[1].FunctionArn != s.arn("hello:live") {
		t.Errorf("%+v %v", list, err)
	}
	if all, err := s.FunctionURLs(); err != nil || len(all) != 2 || all[1].Qualifier != "live" || all[1].InvokeMode != "RESPONSE_STREAM" {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := c.DeleteFunctionUrlConfig(ctx, &sdk.DeleteFunctionUrlConfigInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	_, err = c.GetFunctionUrlConfig(ctx, &sdk.GetFunctionUrlConfigInput{FunctionName: name})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
	if err := s.DeleteFunction(ctx, "hello"); err != nil {
		t.Fatal(err)
	}
	var story []string
	for _, e := range eventsOf[FunctionURLChanged](r) {
		story = append(story, fmt.Sprint(e.URL.Qualifier, " ", e.URL.AuthType, " ", e.Deleted))
	}
	if want := []string{" NONE false", "live AWS_IAM false", " AWS_IAM false", " AWS_IAM true", "live AWS_IAM true"}; !slices.Equal(story, want) {
		t.Errorf("told %q", story)
	}
}

func TestFunctionURLsAreRefused(t *testing.T) {
	t.Parallel()
	broken := errors.New("no port is free")
	s := open(t, Config{FunctionURL: func(string) (string, error) { return "", broken }})
	create(t, s, hello(t))
	publish(t, s, "hello")
	f := func(name string, in FunctionURLInput, status int) {
		t.Helper()
		if _, err := s.CreateFunctionURL(t.Context(), name, in); err == nil || awsproto.From(err).Status != status {
			t.Errorf("%s %+v: %v, want %d", name, in, err, status)
		}
	}
	f("none", FunctionURLInput{AuthType: "NONE"}, http.StatusNotFound)
	f("hello:1", FunctionURLInput{AuthType: "NONE"}, http.StatusBadRequest)
	f("hello:other", FunctionURLInput{AuthType: "NONE"}, http.StatusNotFound)
	f("hello", FunctionURLInput{}, http.StatusBadRequest)
	f("hello", FunctionURLInput{AuthType: "NONE", InvokeMode: "SLOW"}, http.StatusBadRequest)
	f("hello", FunctionURLInput{AuthType: "NONE", CORS: &CORS{MaxAge: 86401}}, http.StatusBadRequest)
	f("hello", FunctionURLInput{AuthType: "NONE", CORS: &CORS{AllowMethods: []string{"BREW"}}}, http.StatusBadRequest)
	if _, err := s.CreateFunctionURL(t.Context(), "hello", FunctionURLInput{AuthType: "NONE"}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	f("hello", FunctionURLInput{AuthType: "NONE"}, http.StatusConflict)
}

// TestPermissionThroughAURL: everybody must be allowed both actions.
func TestPermissionThroughAURL(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	may := func(authType string) bool {
		t.Helper()
		principal := "*"
		if authType == "AWS_IAM" {
			principal = ""
		}
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Principal: principal, URLAuthType: authType})
		if err != nil && awsproto.From(err).Status != http.StatusForbidden {
			t.Fatal(err)
		}
		return err == nil
	}
	if may("NONE") || !may("AWS_IAM") {
		t.Error("without a permission everybody may, or the account may not")
	}
	if err := s.AddPermission("hello", Permission{StatementID: "url", Action: "lambda:InvokeFunctionUrl", Principal: "*", URLAuthType: "NONE"}); err != nil {
		t.Fatal(err)
	}
	if may("NONE") {
		t.Error("one of two permissions is enough")
	}
	if err := s.AddPermission("hello", Permission{StatementID: "invoke", Action: "lambda:InvokeFunction", Principal: "*", ViaURL: true}); err != nil {
		t.Fatal(err)
	}
	if !may("NONE") {
		t.Error("both permissions are not enough")
	}
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Principal: "events.amazonaws.com"}); err == nil {
		t.Error("a permission through URLs lets services in")
	}
}
