package secretsmanager

import (
	"encoding/json"
	"strings"
)

// Reference is a dynamic reference's part behind {{resolve:secretsmanager: and before }}:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
type Reference struct {
	SecretID     string // name or ARN
	JSONKey      string // "" means the whole text
	VersionStage string // "" means AWSCURRENT
	VersionID    string
}

// ParseReference reads secret-id:SecretString:json-key:version-stage:version-id, of which all but
// the first part may be left out. The secret's ID may be an ARN.
func ParseReference(text string) (Reference, error) {
	parts := strings.Split(text, ":")
	n := 1
	if parts[0] == "arn" {
		n = 7
	}
	if len(parts) < n || parts[n-1] == "" {
		return Reference{}, invalid("dynamic reference %q names no secret", text)
	}
	ref := Reference{SecretID: strings.Join(parts[:n], ":")}
	rest := parts[n:]
	if len(rest) > 4 {
		return Reference{}, invalid("dynamic reference %q has too many parts", text)
	}
	rest = append(rest, "", "", "", "")
	if rest[0] != "" && rest[0] != "SecretString" {
		return Reference{}, invalid("dynamic reference %q: %q is not SecretString", text, rest[0])
	}
	ref.JSONKey, ref.VersionStage, ref.VersionID = rest[1], rest[2], rest[3]
	if ref.VersionStage != "" && ref.VersionID != "" {
		return Reference{}, invalid("dynamic reference %q has both a version stage and a version ID", text)
	}
	return ref, nil
}

// Resolve is the text that a dynamic reference stands for.
func (s *Service) Resolve(ref Reference) (string, error) {
	v, err := s.GetSecretValue(ref.SecretID, ref.VersionID, ref.VersionStage)
	if err != nil {
		return "", err
	}
	if v.SecretString == nil {
		return "", invalid("secret %s holds no text", v.Name)
	}
	if ref.JSONKey == "" {
		return *v.SecretString, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(*v.SecretString), &members) != nil {
		return "", invalid("secret %s is not a JSON object, so it has no key %q", v.Name, ref.JSONKey)
	}
	raw, ok := members[ref.JSONKey]
	if !ok {
		return "", invalid("Could not find a value associated with JSONKey %q in secret %s", ref.JSONKey, v.Name)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	return string(raw), nil // a number, a boolean, or an object as it is written
}
