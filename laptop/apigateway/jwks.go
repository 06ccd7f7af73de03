package apigateway

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// keyring holds the public keys of issuers, all of them on this machine:
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
type keyring struct {
	client *http.Client

	mu      sync.Mutex
	issuers map[string]*issuer
}

// issuer is what is known of one. Its lock is held while it is asked, once for all who wait.
type issuer struct {
	mu    sync.Mutex
	keys  map[string]*rsa.PublicKey // by kid
	asked time.Time                 // zero if it has not answered yet
}

// How much an issuer may answer, and how long its keys are kept:
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html#http-api-jwt-authorizer.evaluation
const (
	// issuerTimeout is 1.5 s on AWS. An issuer on a busy laptop may be just starting.
	issuerTimeout = 10 * time.Second
	issuerBytes   = 150_000
	keysTTL       = 2 * time.Hour
	// askAgain is how long an unknown key's ID does not make us ask again. AWS may keep the keys that
	// it has for the two hours; here an issuer that was restarted with new ones is believed at once.
	askAgain = time.Second
	// maxIssuers bounds what is remembered; there are as many as authorizers have named.
	maxIssuers = 1000
)

func newKeyring() *keyring {
	dialer := &net.Dialer{Control: onlyLoopback}
	return &keyring{issuers: map[string]*issuer{}, client: &http.Client{
		Timeout:       issuerTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error { return checkIssuer(r.URL.String()) },
	}}
}

// onlyLoopback refuses a connection to anywhere else, whatever a name resolves to.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is not on this machine", address)
	}
	return nil
}

// find is an issuer's key by its ID, asked for if it is not known. The error is told to the caller;
// where the issuer cannot be asked it begins with the service's own words, as users report them.
func (k *keyring) find(ctx context.Context, url, kid string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	in := k.issuers[url]
	if in == nil {
		if len(k.issuers) >= maxIssuers {
			clear(k.issuers)
		}
		in = &issuer{}
		k.issuers[url] = in
	}
	k.mu.Unlock()

	in.mu.Lock()
	defer in.mu.Unlock()
	age := time.Since(in.asked)
	if key := in.keys[kid]; key != nil && age < keysTTL {
		return key, nil
	}
	if in.asked.IsZero() || age >= askAgain {
		keys, err := k.ask(ctx, url)
		if err != nil {
			return nil, err
		}
		in.keys, in.asked = keys, time.Now()
	}
	if key := in.keys[kid]; key != nil {
		return key, nil
	}
	return nil, errors.New("the issuer has no key with the kid of the token")
}

// ask gets an issuer's keys.
func (k *keyring) ask(ctx context.Context, url string) (map[string]*rsa.PublicKey, error) {
	var discovered struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if err := k.get(ctx, strings.TrimSuffix(url, "/")+"/.well-known/openid-configuration", &discovered); err != nil {
		return nil, fmt.Errorf("OIDC discovery endpoint communication error: %w", err)
	}
	if err := checkIssuer(discovered.JWKSURI); err != nil {
		return nil, fmt.Errorf("JWKS communication error: jwks_uri %w", err)
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	if err := k.get(ctx, discovered.JWKSURI, &set); err != nil {
		return nil, fmt.Errorf("JWKS communication error: %w", err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, key := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(key.N)
		e, errE := base64.RawURLEncoding.DecodeString(key.E)
		if exponent := new(big.Int).SetBytes(e); key.Kty == "RSA" && errN == nil && errE == nil && len(n) > 0 && exponent.IsInt64() {
			keys[key.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
		}
	}
	return keys, nil
}

func (k *keyring) get(ctx context.Context, url string, v any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := k.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, issuerBytes+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", url, err)
	}
	if len(body) > issuerBytes {
		return fmt.Errorf("%s answered more than %d bytes", url, issuerBytes)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}
