package lambda

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const latest = "$LATEST"

// family finds a function by name, ARN or partial ARN, and says which qualifier stands in it.
func (s *Service) family(name string) (fam *family, qualifier string, err error) {
	s.mu.RLock()
	fam, ok := s.functions[name]
	s.mu.RUnlock()
	if ok {
		return fam, "", nil
	}
	if !s.here(name) {
		return nil, "", &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
			Message: "Function not found: " + name + ": this is account " + s.cfg.Account + " in " + s.cfg.Region}
	}
	short, qualifier := splitName(name)
	s.mu.RLock()
	fam, ok = s.functions[short]
	s.mu.RUnlock()
	if !ok {
		return nil, "", s.errNotFound(withQualifier(short, qualifier))
	}
	return fam, qualifier, nil
}

// lookup finds the pool of what a name stands for: $LATEST's without a qualifier, and of an alias
// that of its first version.
func (s *Service) lookup(name string) (*function, error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return nil, err
	}
	m := fam.now.Load()
	if qualifier == "" {
		return m.latest, nil
	}
	if a, ok := m.record.alias(qualifier); ok {
		qualifier = a.Version
	}
	if f := m.version(qualifier); f != nil {
		return f, nil
	}
	return nil, s.errNotFound(fam.name + ":" + qualifier)
}

// stands reports whether a name, with its qualifier, stands for a function.
func (s *Service) stands(name string) bool {
	fam, qualifier, err := s.family(name)
	return err == nil && fam.record().has(qualifier)
}

// here reports whether what stands before a function's name, if anything does, is this account and region.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
func (s *Service) here(name string) bool {
	short, qualifier := splitName(name)
	before, _ := strings.CutSuffix(name, withQualifier(short, qualifier))
	before, _ = strings.CutSuffix(before, "function:")
	for _, part := range []string{"arn:aws:lambda:", s.cfg.Region + ":", s.cfg.Account + ":"} {
		before = strings.TrimPrefix(before, part)
	}
	return before == ""
}

// splitName takes a function's name and qualifier from any form of naming it: name,
// name:qualifier, 000000000000:function:name and the whole ARN.
func splitName(s string) (name, qualifier string) {
	if i := strings.Index(s, "function:"); i == 0 || i > 0 && s[i-1] == ':' {
		s = s[i+len("function:"):]
	}
	name, qualifier, _ = strings.Cut(s, ":")
	return name, qualifier
}

func withQualifier(name, qualifier string) string {
	if qualifier == "" {
		return name
	}
	return name + ":" + qualifier
}

// qualify is name with the qualifier that a request says beside it.
func qualify(name, qualifier string) (string, error) {
	_, said := splitName(name)
	switch {
	case said == "":
		return withQualifier(name, qualifier), nil
	case qualifier != "" && qualifier != said:
		return "", awsproto.Errorf("InvalidParameterValueException",
			"The derived qualifier from the function name does not match the specified qualifier.")
	}
	return name, nil
}

// isNumber says that a qualifier names a version that was published.
func isNumber(qualifier string) bool {
	_, err := strconv.ParseUint(qualifier, 10, 63)
	return err == nil
}

func (s *Service) errNotFound(name string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + s.arn(name), Status: http.StatusNotFound}
}

// arn is the ARN of the function called name.
func (s *Service) arn(name string) string {
	return "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.Account + ":function:" + name
}
