package apigateway

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the signatures
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// JWTConfiguration says whose tokens an authorizer takes, and for whom they must have been issued:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigatewayv2-authorizer-jwtconfiguration.html
type JWTConfiguration struct {
	Audience []string `json:"audience,omitempty"` // one of them; 50 at most
	// Issuer is the URL below which /.well-known/openid-configuration tells of the keys. Keys are
	// asked for on this machine only, so its host is loopback's.
	Issuer string `json:"issuer"`
}

func (c *JWTConfiguration) clone() *JWTConfiguration {
	if c == nil {
		return nil
	}
	return &JWTConfiguration{Audience: slices.Clone(c.Audience), Issuer: c.Issuer}
}

// maxAudiences and maxScopes are quotas:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const maxAudiences, maxScopes = 50, 10

func (in AuthorizerInput) checkJWT() error {
	c := in.JWTConfiguration
	switch {
	case c == nil || c.Issuer == "" || len(c.Audience) == 0:
		return badRequest("authorizer %q: JWT needs a JwtConfiguration with an Issuer and an Audience", in.Name)
	case len(c.Audience) > maxAudiences:
		return badRequest("authorizer %q: JwtConfiguration has %d audiences; there may be %d", in.Name, len(c.Audience), maxAudiences)
	case len(in.IdentitySource) != 1:
		return badRequest("authorizer %q: JWT has one IdentitySource, e.g. $request.header.Authorization, not %d", in.Name, len(in.IdentitySource))
	case in.AuthorizerURI != "" || in.AuthorizerPayloadFormatVersion != "" || in.EnableSimpleResponses || in.AuthorizerResultTTLInSeconds != 0:
		return badRequest("authorizer %q: AuthorizerUri, AuthorizerPayloadFormatVersion, EnableSimpleResponses and AuthorizerResultTtlInSeconds are of the type REQUEST", in.Name)
	}
	if err := checkIssuer(c.Issuer); err != nil {
		return badRequest("authorizer %q: JwtConfiguration: Issuer %v; run an issuer here for tests, and make the Issuer a parameter of the template", in.Name, err)
	}
	return nil
}

// checkIssuer refuses the URL of what is not on this machine: the laptop asks nobody else.
func checkIssuer(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no URL", text)
	}
	host := strings.ToLower(u.Hostname())
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	return fmt.Errorf("%s is not on this machine, and the laptop asks nobody else for keys", text)
}

// jwtGuard lets requests on that bring a token of the issuer.
type jwtGuard struct {
	JWTConfiguration
	source string   // where the token is
	scopes []string // of which the token must have one; none asks for none
	keys   *keyring
}

func (g *jwtGuard) check(req *request) *refusal {
	token := req.identity(g.source)
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" {
		return &refusal{kind: unauthenticated, reason: "the request has no token in " + g.source, challenge: "Bearer"}
	}
	claims, err := g.verify(req, token)
	if err != nil {
		return &refusal{kind: unauthenticated, reason: "the token is refused: " + err.Error(), challenge: g.challenge("invalid_token", err.Error())}
	}
	have := scopesOf(claims)
	if len(g.scopes) > 0 && !slices.ContainsFunc(g.scopes, func(s string) bool { return slices.Contains(have, s) }) {
		return &refusal{kind: notAllowed, reason: fmt.Sprintf("the token has none of the scopes %s", strings.Join(g.scopes, " ")),
			challenge: g.challenge("insufficient_scope", "the token has none of the scopes that the route asks for")}
	}
	said := map[string]any{"claims": claims, "scopes": nil}
	if len(g.scopes) > 0 {
		said["scopes"] = have
	}
	if !req.route.format1 {
		said = map[string]any{"jwt": said}
	}
	req.authorizer = jsonOf(said)
	return nil
}

// challenge is WWW-Authenticate as
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html has
// it; of the descriptions it has one, that of the audience.
func (g *jwtGuard) challenge(code, description string) string {
	return fmt.Sprintf(`Bearer scope="%s" error="%s" error_description="%s"`, strings.Join(g.scopes, " "), code, printable(description))
}

// hashes are those of the algorithms; only RSA's are supported, as on AWS.
var hashes = map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512}

// verify checks a token in the steps of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html#http-api-jwt-authorizer.evaluation
// and gives its claims as the event has them.
func (g *jwtGuard) verify(req *request, token string) (map[string]string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token is no JWT")
	}
	var header struct{ Alg, Kid string }
	var claims map[string]json.RawMessage
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil {
		return nil, errors.New("the token is no JWT")
	}
	hash, ok := hashes[header.Alg]
	if !ok {
		return nil, fmt.Errorf("the algorithm %s is not one of RS256, RS384, RS512", header.Alg)
	}
	if text(claims["iss"]) != g.Issuer {
		return nil, errors.New("the token does not have a valid issuer")
	}
	key, err := g.keys.find(req.Context(), g.Issuer, header.Kid)
	if err != nil {
		return nil, err
	}
	sum := hash.New()
	sum.Write([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, hash, sum.Sum(nil), signature) != nil {
		return nil, errors.New("the token does not have a valid signature")
	}
	return checkClaims(claims, g.Audience, req.start)
}

func decodePart(part string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// checkClaims checks for whom and when a token is valid.
func checkClaims(claims map[string]json.RawMessage, audience []string, now time.Time) (map[string]string, error) {
	who := claims["aud"]
	if who == nil {
		who = claims["client_id"]
	}
	var meant awsproto.OneOrMany[string]
	if who == nil || json.Unmarshal(who, &meant) != nil || !slices.ContainsFunc(meant, func(a string) bool { return slices.Contains(audience, a) }) {
		return nil, errors.New("the token does not have a valid audience")
	}
	for _, name := range [...]string{"exp", "nbf", "iat"} {
		var at float64
		switch value := claims[name]; {
		case value == nil && name == "exp":
			return nil, errors.New("the token has no exp")
		case value == nil:
			continue
		case json.Unmarshal(value, &at) != nil:
			return nil, fmt.Errorf("%s of the token is no time", name)
		}
		if passed := at <= float64(now.UnixNano())/1e9; passed == (name == "exp") {
			if passed {
				return nil, errors.New("the token has expired")
			}
			return nil, fmt.Errorf("%s of the token is in the future", name)
		}
	}
	out := make(map[string]string, len(claims))
	for name, value := range claims {
		if string(value) != "null" {
			out[name] = claimText(value)
		}
	}
	return out, nil
}

// claimText is a claim as the event has it, a string always, a list in brackets without commas:
// https://github.com/floci-io/floci/pull/2011 measured it.
func claimText(value json.RawMessage) string {
	var list []json.RawMessage
	if value[0] == '[' && json.Unmarshal(value, &list) == nil {
		texts := make([]string, len(list))
		for i, v := range list {
			texts[i] = text(v)
		}
		return "[" + strings.Join(texts, " ") + "]"
	}
	return text(value)
}

// text is a JSON string's content; any other value is its JSON.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// scopesOf are a token's scopes: a claim scope or scp, with spaces between them or a list.
func scopesOf(claims map[string]string) []string {
	said, ok := claims["scp"]
	if !ok {
		said = claims["scope"]
	}
	return strings.Fields(strings.TrimSuffix(strings.TrimPrefix(said, "["), "]"))
}

// printable is text as it may stand between the quotes of a header.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '.'
		}
		return r
	}, cut([]byte(s)))
}
