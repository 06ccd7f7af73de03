package sts

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

func TestTheSDKLearnsWhoItIs(t *testing.T) {
	t.Parallel()
	service, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	out, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{aws.ToString(out.Account), aws.ToString(out.Arn), aws.ToString(out.UserId)}
	want := []string{"000000000000", "arn:aws:iam::000000000000:user/ephor", "AIDAEPHOREPHOREPHOR00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOtherActionsAreRefusedByName(t *testing.T) {
	t.Parallel()
	service, _ := Open(Config{})
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	res, err := http.PostForm(server.URL, url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 400 || !strings.Contains(string(body), "<Code>InvalidAction</Code>") || !strings.Contains(string(body), "AssumeRole") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
