package secretsmanager

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const maxRequest = 1 << 20

// ServeHTTP answers the JSON 1.1 protocol: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	awsproto.ServeJSON(w, r, s.serve)
}

// input is the union of all calls' members.
type input struct {
	SecretID                   string `json:"SecretId"`
	Name                       string
	Description                string
	KmsKeyID                   string `json:"KmsKeyId"`
	SecretString               string
	SecretBinary               []byte
	ClientRequestToken         string
	VersionID                  string `json:"VersionId"`
	VersionStage               string
	VersionStages              []string
	RecoveryWindowInDays       int
	ForceDeleteWithoutRecovery bool
	Tags                       []tag
}

type tag struct{ Key, Value string }

func (in input) secret() SecretInput {
	out := SecretInput{Name: in.Name, Description: in.Description, KmsKeyID: in.KmsKeyID, SecretString: in.SecretString,
		SecretBinary: in.SecretBinary, ClientRequestToken: in.ClientRequestToken, Tags: map[string]string{}}
	for _, t := range in.Tags {
		out.Tags[t.Key] = t.Value
	}
	return out
}

var actions = map[string]func(*Service, input) (any, error){
	"CreateSecret": func(s *Service, in input) (any, error) {
		secret, err := s.CreateSecret(in.secret())
		return brief(secret), err
	},
	"DeleteSecret": func(s *Service, in input) (any, error) {
		secret, err := s.DeleteSecret(in.SecretID, in.RecoveryWindowInDays, in.ForceDeleteWithoutRecovery)
		if err != nil {
			return nil, err
		}
		return map[string]any{"ARN": secret.ARN, "Name": secret.Name, "DeletionDate": seconds(*secret.DeletedDate)}, nil
	},
	"DescribeSecret": func(s *Service, in input) (any, error) {
		secret, err := s.DescribeSecret(in.SecretID)
		return full(secret, "VersionIdsToStages"), err
	},
	"GetSecretValue": func(s *Service, in input) (any, error) {
		v, err := s.GetSecretValue(in.SecretID, in.VersionID, in.VersionStage)
		return struct {
			ARN, Name     string
			VersionID     string  `json:"VersionId"`
			SecretString  *string `json:",omitempty"`
			SecretBinary  []byte  `json:",omitempty"`
			VersionStages []string
			CreatedDate   float64
		}{v.ARN, v.Name, v.VersionID, v.SecretString, v.SecretBinary, v.VersionStages, seconds(v.CreatedDate)}, err
	},
	"ListSecrets": func(s *Service, _ input) (any, error) {
		list := []map[string]any{}
		for _, secret := range s.ListSecrets() {
			list = append(list, full(secret, "SecretVersionsToStages"))
		}
		return map[string]any{"SecretList": list}, nil
	},
	"PutSecretValue": func(s *Service, in input) (any, error) {
		v, err := s.PutSecretValue(in.SecretID, in.secret(), in.VersionStages)
		return map[string]any{"ARN": v.ARN, "Name": v.Name, "VersionId": v.VersionID, "VersionStages": v.VersionStages}, err
	},
	"RestoreSecret": func(s *Service, in input) (any, error) {
		secret, err := s.RestoreSecret(in.SecretID)
		return map[string]any{"ARN": secret.ARN, "Name": secret.Name}, err
	},
}

func (s *Service) serve(r *http.Request) (any, error) {
	act, data, err := awsproto.Target(r, awsproto.Targets{Prefix: "secretsmanager.", Service: "Secrets Manager", Limit: maxRequest, TooLarge: "SerializationException"}, actions)
	if err != nil {
		return nil, err
	}
	var in input
	if err := json.Unmarshal(data, &in); err != nil {
		// The error's own words may quote the secret.
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fail("SerializationException", "the request is not JSON: at byte %d", syntax.Offset)
		}
		return nil, fail("SerializationException", "a member of the request has the wrong type")
	}
	return act(s, in)
}

func brief(secret Secret) map[string]any {
	out := map[string]any{"ARN": secret.ARN, "Name": secret.Name}
	for id := range secret.VersionIDsToStages {
		out["VersionId"] = id
	}
	return out
}

func full(secret Secret, versions string) map[string]any {
	out := map[string]any{
		"ARN": secret.ARN, "Name": secret.Name, "CreatedDate": seconds(secret.CreatedDate),
		"LastChangedDate": seconds(secret.LastChangedDate), versions: secret.VersionIDsToStages,
	}
	tags := []tag{}
	for _, k := range slices.Sorted(maps.Keys(secret.Tags)) {
		tags = append(tags, tag{k, secret.Tags[k]})
	}
	out["Tags"] = tags
	if secret.Description != "" {
		out["Description"] = secret.Description
	}
	if secret.KmsKeyID != "" {
		out["KmsKeyId"] = secret.KmsKeyID
	}
	if secret.DeletedDate != nil {
		out["DeletedDate"] = seconds(*secret.DeletedDate)
	}
	return out
}

// seconds is a time as the protocol writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
