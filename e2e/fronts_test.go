package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor/internal/uptest"
)

// What an HTTP API, a REST API and a function URL answer when the function fails.
const http500, rest502, url502 = `{"message":"Internal Server Error"}`, `{"message": "Internal server error"}`, `{"Message":"Internal Server Error"}`

// answered is a response, as far as the tests below look at it.
type answered struct {
	status int
	body   string
	header http.Header
}

// ask sends a GET; headers are names and values in turn.
func ask(t *testing.T, url string, headers ...string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(t, r)
}

func send(t *testing.T, r *http.Request) answered {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res.StatusCode, string(body), res.Header}
}

// signedRequest is a GET as an SDK signs it.
func signedRequest(t *testing.T, url, service string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := fmt.Sprintf("%x", sha256.Sum256(nil))
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "any"}, r, empty, service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// identityProvider serves the key that token signs with.
func identityProvider(t *testing.T) (url string, token func(claims map[string]any) string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/openid-configuration" {
			fmt.Fprintf(w, `{"jwks_uri":%q}`, url+"/keys")
			return
		}
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k","n":%q,"e":%q}]}`, encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes()))
	}))
	t.Cleanup(server.Close)
	url = server.URL
	return url, func(claims map[string]any) string {
		text, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed := encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(text)
		sum := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + encode(signature)
	}
}

// A compiled function behind an HTTP API, a REST API and a function URL, all made by a template: routes
// and their order, stages and their variables, authorizers of every kind, and what each front answers
// when the function fails, takes too long, may not run, or is asked too often.
func TestEveryFront(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	c := newAccount(t, a)
	c.upload(ctx, "code-of-mine", packaged(t, filepath.Join("testdata", "fronts.go")))
	template, err := os.ReadFile("testdata/fronts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	issuer, token := identityProvider(t)
	parameter := func(name, value string) types.Parameter {
		return types.Parameter{ParameterKey: &name, ParameterValue: &value}
	}
	if _, err := c.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String("fronts"), TemplateBody: aws.String(string(template)),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Parameters:   []types.Parameter{parameter("CodeBucket", "code-of-mine"), parameter("Architecture", architecture()), parameter("Issuer", issuer)}}); err != nil {
		t.Fatal(err)
	}
	o := c.becomes("fronts", types.StackStatusCreateComplete)
	api, rest, url, busy := o["Http"], o["Rest"], strings.TrimSuffix(o["Url"], "/"), o["Busy"]

	// told wants a 200 with all of what is given in what the function was told.
	told := func(got answered, want ...string) {
		t.Helper()
		for _, w := range want {
			if got.status != http.StatusOK || !strings.Contains(got.body, w) {
				t.Errorf("%d %s, want %s", got.status, got.body, w)
			}
		}
	}
	refused := func(got answered, status int, body string) {
		t.Helper()
		if got.status != status || got.body != body {
			t.Errorf("%d %s, want %d %s", got.status, got.body, status, body)
		}
	}

	// Routes: the closest wins. Stages: $default at the root, others below their name.
	told(ask(t, api+"/pets/dog"), `"route":"GET /pets/dog"`, `"stage":"$default"`, `"variables":null`)
	told(ask(t, api+"/pets/cat%20a"), `"route":"GET /pets/{id}"`, `"values":{"id":"cat a"}`)
	told(ask(t, api+"/pets/cat/and/dog"), `"route":"ANY /pets/{rest+}"`, `"values":{"rest":"cat/and/dog"}`)
	told(ask(t, api+"/elsewhere"), `"route":"$default"`, `"values":null`)
	told(ask(t, api+"/dev/pets/dog"), `"route":"GET /pets/dog"`, `"stage":"dev"`, `"path":"/dev/pets/dog"`, `"variables":{"color":"blue",`)
	told(ask(t, api+"/one/a?x=1"), `"route":"/one/{id}"`, `"values":{"id":"a"}`, `"path":"/one/a"`)
	told(ask(t, api+"/dev/staged"), `"route":"GET /staged"`, `"stage":"dev"`)
	refused(ask(t, api+"/staged"), 500, `{"message":"Internal Server Error"}`) // this stage has no variable that names a function
	told(ask(t, rest+"/prod/pets/cat%20a"), `"route":"/{rest+}"`, `"stage":"prod"`, `"path":"/pets/cat%20a"`, `"variables":{"color":"red"}`, `"values":{"rest":"pets/cat%20a"}`)
	told(ask(t, url+"/any/path"), `"route":"$default"`, `"path":"/any/path"`)
	refused(ask(t, rest+"/nostage/pets"), 403, `{"message":"Forbidden"}`)
	refused(ask(t, rest+"/prod"), 403, `{"message":"Missing Authentication Token"}`)

	// CORS: the gateway answers the preflight, and only the origin that is named gets through.
	preflight, err := http.NewRequestWithContext(ctx, http.MethodOptions, api+"/pets/dog", nil)
	if err != nil {
		t.Fatal(err)
	}
	preflight.Header = http.Header{"Origin": {"https://shop.example"}, "Access-Control-Request-Method": {"GET"}}
	if got := send(t, preflight); got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "https://shop.example" || got.header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("preflight: %+v", got)
	}
	if got := ask(t, api+"/pets/dog", "Origin", "https://shop.example"); got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("of another origin: %+v", got)
	}

	// What goes wrong.
	for _, how := range []string{"panic", "error", "malformed"} {
		refused(ask(t, api+"/"+how), 500, http500)
		refused(ask(t, rest+"/prod/"+how), 502, rest502)
		refused(ask(t, url+"/"+how), 502, url502)
	}
	post := func(url string) answered {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(strings.Repeat("x", 7<<20)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/plain")
		return send(t, r)
	}
	refused(post(api+"/big"), 413, `{"message":"Request Entity Too Large"}`)
	refused(post(rest+"/prod/big"), 413, `{"message":"Request Too Long"}`)
	refused(post(url+"/big"), 413, `{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`)
	refused(ask(t, api+"/long", "X-Long", strings.Repeat("x", 11_000)), 431, `{"message":"Request Header Fields Too Large"}`)
	refused(ask(t, api+"/slow"), 503, `{"message":"Service Unavailable"}`)
	refused(ask(t, rest+"/prod/slow"), 504, `{"message": "Endpoint request timed out"}`)
	refused(ask(t, api+"/busy"), 503, `{"message":"Service Unavailable"}`)
	refused(ask(t, rest+"/prod/busy"), 500, rest502)
	if got := send(t, signedRequest(t, busy, "lambda")); got.status != 429 || !strings.Contains(got.body, "Rate Exceeded") {
		t.Errorf("a URL of a function that may not run: %+v", got)
	}
	refused(ask(t, busy), 403, `{"Message":"Forbidden"}`)
	refused(ask(t, api+"/limited"), 429, `{"message":"Too Many Requests"}`)
	refused(ask(t, rest+"/limited/x"), 429, `{"message":"Too Many Requests"}`)

	// Who may call.
	const unauthorized, forbidden = `{"message":"Unauthorized"}`, `{"message":"Forbidden"}`
	refused(ask(t, api+"/asked"), 401, unauthorized)
	refused(ask(t, api+"/asked", "Authorization", "deny"), 403, forbidden)
	told(ask(t, api+"/asked", "Authorization", "allow"), `"authorizer":{"lambda":{"who":"you"}}`)
	refused(ask(t, api+"/signed"), 403, forbidden)
	told(send(t, signedRequest(t, api+"/signed", "execute-api")), `"authorizer":{"iam":{"accessKey":"AKID",`)
	refused(ask(t, api+"/tokens"), 401, unauthorized)
	claims := map[string]any{"iss": issuer, "aud": "me", "sub": "you", "exp": time.Now().Add(time.Hour).Unix(), "scope": "write"}
	refused(ask(t, api+"/tokens", "Authorization", "Bearer "+token(claims)), 403, forbidden)
	claims["scope"] = "read write"
	told(ask(t, api+"/tokens", "Authorization", "Bearer "+token(claims)), `"sub":"you"`, `"scopes":["read","write"]`)
	claims["aud"] = "others"
	refused(ask(t, api+"/tokens", "Authorization", "Bearer "+token(claims)), 401, unauthorized)
	refused(ask(t, rest+"/prod/asked"), 401, unauthorized)
	refused(ask(t, rest+"/prod/asked", "Authorization", "deny"), 403, `{"message":"User is not authorized to access this resource with an explicit deny"}`)
	told(ask(t, rest+"/prod/asked", "Authorization", "allow"), `"level":"7"`, `"principalId":"you"`)
	refused(ask(t, rest+"/prod/signed"), 403, `{"message":"Missing Authentication Token"}`)
	told(send(t, signedRequest(t, rest+"/prod/signed", "execute-api")), `"user":"arn:aws:iam::000000000000:user/ephor"`)
}
