package apigateway

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// tokenIssuer is an identity provider on this machine.
type tokenIssuer struct {
	t     testing.TB
	key   *rsa.PrivateKey
	kid   atomic.Value
	asked atomic.Int32 // for its keys
	jwks  atomic.Value // where it says that they are
	*httptest.Server
}

func newTokenIssuer(t testing.TB) *tokenIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	i := &tokenIssuer{t: t, key: key}
	i.kid.Store("one")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.jwks.Load())
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","kid":"ec"},{"kty":"RSA","kid":%q,"n":%q,"e":%q}]}`, i.kid.Load(),
			base64.RawURLEncoding.EncodeToString(key.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()))
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.jwks.Store(i.URL + "/keys")
	return i
}

// token is a signed token with the claims of everybody, as change has them.
func (i *tokenIssuer) token(change map[string]any) string {
	return i.tokenOf("RS256", i.kid.Load().(string), change)
}

func (i *tokenIssuer) tokenOf(alg, kid string, change map[string]any) string {
	i.t.Helper()
	claims := map[string]any{"iss": i.URL, "aud": "me", "sub": "you", "exp": time.Now().Add(time.Hour).Unix(), "iat": 1.0}
	maps.Copy(claims, change)
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		must(i.t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"}) + "." + part(claims)
	hash, ok := hashes[alg]
	if !ok {
		return text + ".eA"
	}
	sum := hash.New()
	sum.Write([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.Hash(hash), sum.Sum(nil))
	must(i.t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAJWTAuthorizer(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":200}`}
	s := openService(t, Config{Invoker: r})
	api := newTestAPI(t, s, "GET /a")
	i := newTokenIssuer(t)
	auth, err := s.CreateAuthorizer(api.APIID, AuthorizerInput{Name: "jwt", AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"},
		JWTConfiguration: &JWTConfiguration{Issuer: i.URL, Audience: []string{"me", "mine"}}})
	must(t, err)
	authorize(t, s, api, RouteInput{AuthorizationType: "JWT", AuthorizerID: auth.AuthorizerID})
	// f sends a token and wants the status and, of a refusal, what the challenge says.
	f := func(token string, wantStatus int, wantChallenge string) {
		t.Helper()
		r.forget()
		headers := []string{}
		if token != "" {
			headers = []string{"Authorization", token}
		}
		res, body := get(t, "GET", s.Endpoint(api.APIID)+"/a", nil, headers...)
		challenge := res.Header.Get("Www-Authenticate")
		wantBody := map[int]string{401: `{"message":"Unauthorized"}`, 403: `{"message":"Forbidden"}`}[wantStatus]
		if res.StatusCode != wantStatus || (r.last().Payload != nil) != (wantStatus == 200) || !strings.Contains(challenge, wantChallenge) ||
			(wantChallenge == "") != (challenge == "") || body != wantBody {
			t.Errorf("%d %s %q, want %d %q", res.StatusCode, body, challenge, wantStatus, wantChallenge)
		}
	}
	in, forged := i.token, newTokenIssuer(t)
	forged.kid.Store("one")
	const invalid = `Bearer scope="" error="invalid_token" error_description="`

	f("", 401, "Bearer")
	f("Bearer ", 401, "Bearer")
	f("Bearer nonsense", 401, invalid+"the token is no JWT")
	f("Bearer "+in(map[string]any{"aud": "other"}), 401, invalid+`the token does not have a valid audience"`)
	f("Bearer "+in(map[string]any{"aud": nil}), 401, "valid audience")
	f("Bearer "+in(map[string]any{"aud": "other", "client_id": "me"}), 401, "valid audience")
	f("Bearer "+in(map[string]any{"iss": "http://127.0.0.1:1"}), 401, "valid issuer")
	f("Bearer "+in(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), 401, "has expired")
	f("Bearer "+in(map[string]any{"exp": nil}), 401, "no exp")
	f("Bearer "+in(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), 401, "nbf of the token is in the future")
	f("Bearer "+in(map[string]any{"iat": time.Now().Add(time.Hour).Unix()}), 401, "iat of the token is in the future")
	f("Bearer "+in(map[string]any{"iat": "now"}), 401, "iat of the token is no time")
	f("Bearer "+forged.token(map[string]any{"iss": i.URL}), 401, "valid signature")
	f("Bearer "+i.tokenOf("none", "one", nil), 401, "the algorithm none")
	f("Bearer "+i.tokenOf("HS256", "one", nil), 401, "the algorithm HS256")
	f("Bearer "+i.tokenOf(`a"b`+"\n", "one", nil), 401, "the algorithm a.b. is not")
	f("Bearer "+i.tokenOf("RS256", "ec", nil), 401, "no key with the kid")
	f(in(nil), 200, "")
	f("bearer "+i.tokenOf("RS384", "one", map[string]any{"aud": []string{"x", "mine"}}), 200, "")
	f("Bearer "+i.tokenOf("RS512", "one", map[string]any{"aud": nil, "client_id": "me"}), 200, "")
	if n := i.asked.Load(); n < 1 || n > 10 {
		t.Errorf("the issuer was asked for its keys %d times", n)
	}

	// What the function is told: every claim as a string, those that are null not at all.
	f("Bearer "+in(map[string]any{"exp": 9999999999, "iat": 1700000000, "groups": []any{"a", "b", 7}, "admin": true, "nick": json.RawMessage("null"), "address": map[string]string{"city": "X"},
		"scope": "read write"}), 200, "")
	var e events.APIGatewayV2HTTPRequest
	must(t, json.Unmarshal(r.last().Payload, &e))
	want := map[string]string{"iss": i.URL, "aud": "me", "sub": "you", "exp": "9999999999", "iat": "1700000000", "groups": "[a b 7]", "admin": "true", "address": `{"city":"X"}`, "scope": "read write"}
	if diff := cmp.Diff(want, e.RequestContext.Authorizer.JWT.Claims); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(r.last().Payload), `"scopes":null`) {
		t.Errorf("without scopes on the route: %s", r.last().Payload)
	}

	authorize(t, s, api, RouteInput{AuthorizationType: "JWT", AuthorizerID: auth.AuthorizerID, AuthorizationScopes: []string{"write", "admin"}})
	f("Bearer "+in(map[string]any{"scope": "read"}), 403, `Bearer scope="write admin" error="insufficient_scope"`)
	f("Bearer "+in(nil), 403, "insufficient_scope")
	f("Bearer "+in(map[string]any{"scp": []string{"read", "write"}}), 200, "")
	f("Bearer "+in(map[string]any{"scope": "read write"}), 200, "")
	must(t, json.Unmarshal(r.last().Payload, &e))
	if diff := cmp.Diff([]string{"read", "write"}, e.RequestContext.Authorizer.JWT.Scopes); diff != "" {
		t.Error(diff)
	}
	format1(t, s, api)
	f("Bearer "+in(map[string]any{"scope": "read write"}), 200, "")
	var one events.APIGatewayProxyRequest
	must(t, json.Unmarshal(r.last().Payload, &one))
	if claims, ok := one.RequestContext.Authorizer["claims"].(map[string]any); !ok || claims["sub"] != "you" {
		t.Errorf("format 1.0: %v", one.RequestContext.Authorizer)
	}
}

// An issuer that was started again has another key: it is believed at once. One that is not there, or
// whose keys are elsewhere, is said so.
func TestTheKeysOfAnIssuer(t *testing.T) {
	t.Parallel()
	i := newTokenIssuer(t)
	ring := newKeyring()
	_, err := ring.find(t.Context(), i.URL, "one")
	must(t, err)
	_, err = ring.find(t.Context(), i.URL, "one")
	must(t, err)
	if n := i.asked.Load(); n != 1 {
		t.Errorf("asked %d times for a key that is known", n)
	}
	i.kid.Store("two")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err = ring.find(t.Context(), i.URL, "two"); err == nil || time.Now().After(deadline) {
			break
		}
	}
	must(t, err)
	f := func(url, want string) {
		t.Helper()
		if _, err := ring.find(t.Context(), url, "one"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	answers := func(h http.HandlerFunc) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	f(answers(http.NotFound), "OIDC discovery endpoint communication error")
	f(answers(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	}), "http://192.0.2.1/ is not on this machine")
	f(answers(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", issuerBytes+1)) }), "more than 150000 bytes")
	i.jwks.Store("https://example.com/keys")
	ring = newKeyring()
	f(i.URL, "JWKS communication error: jwks_uri https://example.com/keys is not on this machine")
	i.jwks.Store(answers(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{") }))
	f(i.URL, "JWKS communication error")
	if err := onlyLoopback("tcp", "192.0.2.1:443", nil); err == nil {
		t.Error("a name that resolves to elsewhere is asked")
	}
}

// FuzzToken: no token but a signed one gets through, and none makes us fall over.
func FuzzToken(f *testing.F) {
	i := newTokenIssuer(f)
	g := &jwtGuard{JWTConfiguration: JWTConfiguration{Issuer: i.URL, Audience: []string{"me"}}, keys: newKeyring()}
	good := i.token(nil)
	f.Add(good)
	f.Add(i.tokenOf("none", "one", nil))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest("GET", "/", nil)
		_, err := g.verify(&request{Request: r, start: time.Now()}, token)
		signedText, _, _ := strings.Cut(token, ".")
		if err == nil && (signedText == "" || token[:strings.LastIndexByte(token, '.')] != good[:strings.LastIndexByte(good, '.')]) {
			t.Errorf("%q is believed", token)
		}
	})
}
