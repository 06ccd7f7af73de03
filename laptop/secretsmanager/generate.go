package secretsmanager

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
)

// Generate says what a generated password is like. The fields are those of
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring.html
type Generate struct {
	ExcludeCharacters  string
	ExcludeLowercase   bool
	ExcludeNumbers     bool
	ExcludePunctuation bool
	ExcludeUppercase   bool
	// GenerateStringKey and SecretStringTemplate, a JSON object, are given together: the secret
	// is then the object with the password under the key. Without them it is the password.
	GenerateStringKey    string
	SecretStringTemplate string
	IncludeSpace         bool
	PasswordLength       int // 1 to 4096; 0 means 32
	// RequireEachIncludedType puts in one character of every type that is not excluded; nil means true.
	RequireEachIncludedType *bool
}

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers     = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// Secret makes the text of a secret.
func (g Generate) Secret() (string, error) {
	if (g.GenerateStringKey == "") != (g.SecretStringTemplate == "") {
		return "", invalid("GenerateStringKey and SecretStringTemplate are given together or not at all")
	}
	var template map[string]any
	if g.SecretStringTemplate != "" {
		if err := json.Unmarshal([]byte(g.SecretStringTemplate), &template); err != nil || template == nil {
			return "", invalid("SecretStringTemplate is not a JSON object")
		}
	}
	password, err := g.password()
	if err != nil || template == nil {
		return password, err
	}
	template[g.GenerateStringKey] = password
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(template); err != nil {
		return "", errors.New("encoding a generated secret")
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

func (g Generate) password() (string, error) {
	n := g.PasswordLength
	if n == 0 {
		n = 32
	}
	if n < 1 || n > 4096 {
		return "", invalid("PasswordLength is %d; it may be 1 to 4096", g.PasswordLength)
	}
	types := g.types()
	all := strings.Join(types, "")
	// A space may stand anywhere, but is no type of which one is required.
	if g.IncludeSpace && !strings.Contains(g.ExcludeCharacters, " ") {
		all += " "
	}
	if all == "" {
		return "", invalid("everything is excluded: no character is left for a password")
	}
	var out []byte
	if g.RequireEachIncludedType == nil || *g.RequireEachIncludedType {
		if n < len(types) {
			return "", invalid("PasswordLength is %d, and one character of each of %d types is required", n, len(types))
		}
		for _, t := range types {
			out = append(out, t[below(len(t))])
		}
	}
	for len(out) < n {
		out = append(out, all[below(len(all))])
	}
	for i := len(out) - 1; i > 0; i-- { // Fisher and Yates: the required ones stand anywhere
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

// types are the characters that are left, by type.
func (g Generate) types() []string {
	var out []string
	for _, t := range []struct {
		characters string
		excluded   bool
	}{{lowercase, g.ExcludeLowercase}, {uppercase, g.ExcludeUppercase}, {numbers, g.ExcludeNumbers}, {punctuation, g.ExcludePunctuation}} {
		left := strings.Map(func(r rune) rune {
			if strings.ContainsRune(g.ExcludeCharacters, r) {
				return -1
			}
			return r
		}, t.characters)
		if !t.excluded && left != "" {
			out = append(out, left)
		}
	}
	return out
}

// below is a number from 0 to n-1, each as likely.
func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand ends the program before it fails
	}
	return int(i.Int64())
}

func invalid(format string, args ...any) error {
	return fail("InvalidParameterException", format, args...)
}
