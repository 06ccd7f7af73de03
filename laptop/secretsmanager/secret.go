package secretsmanager

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	// maxSecret is the quota of https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
	maxSecret = 65536
)

// SecretInput is what AWS::SecretsManager::Secret takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html
type SecretInput struct {
	Name        string
	Description string
	KmsKeyID    string
	Tags        map[string]string
	// At most one of these is given.
	SecretString         string
	SecretBinary         []byte
	GenerateSecretString *Generate
	// ClientRequestToken becomes the first version's ID; "" makes one.
	ClientRequestToken string
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept,
	// changed by no update and not told on the wire.
	ClientToken string
}

// Secret is all about a secret but its value.
type Secret struct {
	ARN             string
	Name            string
	Description     string            `json:",omitempty"`
	KmsKeyID        string            `json:",omitempty"`
	Tags            map[string]string `json:",omitempty"`
	CreatedDate     time.Time
	LastChangedDate time.Time
	// DeletedDate is when the secret will be gone; nil while nobody has deleted it.
	DeletedDate *time.Time `json:",omitempty"`
	// VersionIDsToStages are the versions that have a stage.
	VersionIDsToStages map[string][]string `json:"-"`
	// ClientToken is that of the input that made the secret.
	ClientToken string `json:",omitempty"`
}

// Value is one version of a secret.
type Value struct {
	ARN, Name, VersionID string
	SecretString         *string
	SecretBinary         []byte
	VersionStages        []string
	CreatedDate          time.Time
}

var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

// CreateSecret stores a secret, generating its value if it is asked to. One without a value has
// no version yet.
func (s *Service) CreateSecret(in SecretInput) (Secret, error) {
	if !validName.MatchString(in.Name) {
		return Secret{}, invalid("Invalid name %q: 1 to 512 letters, digits and /_+=.@-", in.Name)
	}
	v, hasValue, err := in.value()
	if err != nil {
		return Secret{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, err := s.find(in.Name); err == nil {
		if r.DeletedDate != nil {
			return Secret{}, fail("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return Secret{}, fail("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	r := &record{Versions: map[string]version{}, Secret: Secret{
		ARN:  "arn:aws:secretsmanager:" + s.config.Region + ":" + s.config.Account + ":secret:" + in.Name + "-" + suffix(),
		Name: in.Name, CreatedDate: now(), ClientToken: in.ClientToken,
	}}
	in.describe(&r.Secret)
	if hasValue {
		r.stage(in.token(), v, []string{current})
	}
	return r.public(), s.save(r)
}

// UpdateSecret replaces a secret's description, key and tags; and its value, if the input has
// one, with a new version. A secret is generated anew only if it is asked for again.
func (s *Service) UpdateSecret(id string, in SecretInput) (Secret, error) {
	v, hasValue, err := in.value()
	if err != nil {
		return Secret{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.live(id)
	if err != nil {
		return Secret{}, err
	}
	r = r.clone()
	in.describe(&r.Secret)
	if hasValue {
		r.stage(in.token(), v, []string{current})
	}
	return r.public(), s.save(r)
}

// PutSecretValue adds a version. Without stages it becomes the current one.
func (s *Service) PutSecretValue(id string, in SecretInput, stages []string) (Value, error) {
	v, hasValue, err := in.value()
	if err != nil {
		return Value{}, err
	}
	if !hasValue {
		return Value{}, invalid("You must provide either SecretString or SecretBinary.")
	}
	if len(stages) == 0 {
		stages = []string{current}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.live(id)
	if err != nil {
		return Value{}, err
	}
	token := in.token()
	if had, ok := r.Versions[token]; ok {
		if !had.same(v) {
			return Value{}, fail("ResourceExistsException", "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, r.ARN)
		}
		return r.valueOf(token), nil // asked a second time
	}
	r = r.clone()
	r.stage(token, v, stages)
	return r.valueOf(token), s.save(r)
}

// GetSecretValue is the version with an ID, or with a stage; both "" mean the current one.
func (s *Service) GetSecretValue(id, versionID, stage string) (Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.live(id)
	if err != nil {
		return Value{}, err
	}
	if versionID == "" && stage == "" {
		stage = current
	}
	for vid, v := range r.Versions {
		if (versionID == "" || vid == versionID) && (stage == "" || slices.Contains(v.Stages, stage)) {
			return r.valueOf(vid), nil
		}
	}
	what := "staging label: " + stage
	if versionID != "" {
		what = "VersionId: " + versionID
	}
	return Value{}, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for %s", what)
}

// DescribeSecret is all about a secret but its value, also while it waits for its deletion.
func (s *Service) DescribeSecret(id string) (Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(id)
	if err != nil {
		return Secret{}, err
	}
	return r.public(), nil
}

// ListSecrets are the secrets by name, without those that wait for their deletion.
func (s *Service) ListSecrets() []Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Secret{}
	for _, name := range slices.Sorted(maps.Keys(s.secrets)) {
		if r := s.secrets[name]; r.DeletedDate == nil {
			out = append(out, r.public())
		}
	}
	return out
}

// DeleteSecret marks a secret for deletion after a window of 7 to 30 days, 0 meaning 30, in which
// RestoreSecret brings it back. With force it is gone at once, as CloudFormation deletes; one
// that does not exist is then no error.
func (s *Service) DeleteSecret(id string, windowDays int, force bool) (Secret, error) {
	if force && windowDays != 0 {
		return Secret{}, invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	}
	if windowDays == 0 {
		windowDays = 30
	}
	if windowDays < 7 || windowDays > 30 {
		return Secret{}, invalid("RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(id)
	if force {
		if err != nil {
			if awsproto.From(err).Code == "ResourceNotFoundException" {
				err = nil
			}
			gone := now()
			return Secret{Name: id, DeletedDate: &gone}, err
		}
		gone := now()
		out := r.public()
		out.DeletedDate = &gone
		return out, s.remove(r.Name)
	}
	if err != nil {
		return Secret{}, err
	}
	r = r.clone()
	end := now().AddDate(0, 0, windowDays)
	r.DeletedDate = &end
	return r.public(), s.save(r)
}

// RestoreSecret takes a deletion back.
func (s *Service) RestoreSecret(id string) (Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(id)
	if err != nil {
		return Secret{}, err
	}
	r = r.clone()
	r.DeletedDate = nil
	return r.public(), s.save(r)
}

func (in SecretInput) describe(out *Secret) {
	out.Description, out.KmsKeyID, out.Tags, out.LastChangedDate = in.Description, in.KmsKeyID, maps.Clone(in.Tags), now()
}

func (in SecretInput) token() string {
	if in.ClientRequestToken != "" {
		return in.ClientRequestToken
	}
	return awsproto.NewID()
}

// value is the version that the input asks for; ok is false if it asks for none.
func (in SecretInput) value() (v version, ok bool, err error) {
	given := 0
	if in.SecretString != "" {
		v.SecretString, given = &in.SecretString, given+1
	}
	if len(in.SecretBinary) > 0 {
		v.SecretBinary, given = slices.Clone(in.SecretBinary), given+1
	}
	if in.GenerateSecretString != nil {
		text, err := in.GenerateSecretString.Secret()
		if err != nil {
			return version{}, false, err
		}
		v.SecretString, given = &text, given+1
	}
	if given > 1 {
		return version{}, false, invalid("You can't specify more than one of SecretString, SecretBinary and GenerateSecretString.")
	}
	if len(v.SecretBinary) > maxSecret || v.SecretString != nil && len(*v.SecretString) > maxSecret {
		return version{}, false, invalid("A secret has %d bytes at most.", maxSecret)
	}
	return v, given == 1, nil
}

func (v version) same(w version) bool {
	if (v.SecretString == nil) != (w.SecretString == nil) || v.SecretString != nil && *v.SecretString != *w.SecretString {
		return false
	}
	return string(v.SecretBinary) == string(w.SecretBinary)
}

// stage adds a version and gives it stages, which other versions lose. The version that was
// current becomes the previous one, and versions without a stage are forgotten.
func (r *record) stage(id string, v version, stages []string) {
	v.Created = now()
	for other, o := range r.Versions {
		wasCurrent := slices.Contains(o.Stages, current) && slices.Contains(stages, current)
		o.Stages = slices.DeleteFunc(slices.Clone(o.Stages), func(st string) bool {
			return slices.Contains(stages, st) || st == previous && slices.Contains(stages, current)
		})
		if wasCurrent {
			o.Stages = append(o.Stages, previous)
		}
		if r.Versions[other] = o; len(o.Stages) == 0 {
			delete(r.Versions, other)
		}
	}
	v.Stages = slices.Clone(stages)
	r.Versions[id] = v
	r.LastChangedDate = v.Created
}

func (r *record) valueOf(id string) Value {
	v := r.Versions[id]
	return Value{ARN: r.ARN, Name: r.Name, VersionID: id, SecretString: v.SecretString, SecretBinary: v.SecretBinary,
		VersionStages: slices.Clone(v.Stages), CreatedDate: v.Created}
}

func (r *record) public() Secret {
	out := r.Secret
	out.Tags = maps.Clone(r.Tags)
	out.VersionIDsToStages = map[string][]string{}
	for id, v := range r.Versions {
		out.VersionIDsToStages[id] = slices.Clone(v.Stages)
	}
	return out
}

// suffix is the six characters that end an ARN, so that a secret made again under a name has
// another: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
func suffix() string {
	var out strings.Builder
	const letters = lowercase + uppercase + numbers
	for range 6 {
		out.WriteByte(letters[below(len(letters))])
	}
	return out.String()
}
