package lambda

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// The quotas of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxZip           = 50 << 20        // of an archive that is uploaded directly
	maxUnzipped      = 250 * 1_048_576 // of all that is in an archive
	maxRequest       = 6 << 20         // of the payload of a synchronous invocation
	maxResponse      = 6<<20 + 100     // Lambda's messages say 6291556
	maxEnvironment   = 4 << 10         // of all environment variables
	minUnreserved    = 100             // concurrency that reservations must leave
	maxExtensions    = 10
	maxLayers        = 5       // of one function
	defaultStorage   = 512     // MB
	maxStorage       = 10_240  // MB
	maxEvent         = 1 << 20 // of the payload of an asynchronous invocation, since October 2025
	maxExtensionBody = 64 << 10
)

var (
	validName  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	validGroup = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`) // as CloudWatch Logs has it
	validKey   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
)

// apply makes cfg what in says, defaults included. The code is not in's to apply.
func (in FunctionInput) apply(cfg *Function) {
	cfg.Runtime = in.Runtime
	cfg.Handler = in.Handler
	cfg.Role = in.Role
	cfg.Description = in.Description
	cfg.Architecture = cmp.Or(in.Architecture, "x86_64")
	cfg.MemorySize = cmp.Or(in.MemorySize, 128)
	cfg.Timeout = cmp.Or(in.Timeout, 3*time.Second)
	cfg.Environment = maps.Clone(in.Environment)
	cfg.Tags = maps.Clone(in.Tags)
	cfg.ManagedInstances = nil
	if in.ManagedInstances != nil {
		cfg.ManagedInstances = new(*in.ManagedInstances)
	}
	cfg.TenantIsolationMode = in.TenantIsolationMode
	cfg.ReservedConcurrency = nil
	if in.ReservedConcurrency != nil {
		cfg.ReservedConcurrency = new(*in.ReservedConcurrency)
	}
	cfg.EphemeralStorage = cmp.Or(in.EphemeralStorage, defaultStorage)
	cfg.logTo(in.LogGroup)
	cfg.Logging = in.Logging
}

// validate checks what Lambda checks, in the way of
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
func (s *Service) validate(cfg Function) error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	switch {
	case !validName.MatchString(cfg.Name):
		return bad("function name %q: letters, digits, hyphens and underscores, 64 at most", cfg.Name)
	case cfg.Runtime != "provided.al2023" && cfg.Runtime != "provided.al2":
		return bad("runtime %q: this machine runs provided.al2023 and provided.al2 only", cfg.Runtime)
	case cfg.Handler == "" || len(cfg.Handler) > 128 || strings.ContainsAny(cfg.Handler, " \t\n\x00"):
		return bad("handler %q: 1 to 128 characters, no spaces", cfg.Handler)
	case cfg.Role == "":
		return bad("a function needs a role")
	case cfg.Architecture != "x86_64" && cfg.Architecture != "arm64":
		return bad("architecture %q: x86_64 or arm64", cfg.Architecture)
	case cfg.ManagedInstances == nil && (cfg.MemorySize < 128 || cfg.MemorySize > 10240):
		return bad("memory size %d MB: 128 to 10240", cfg.MemorySize)
	case cfg.Timeout < time.Second || cfg.Timeout > 900*time.Second || cfg.Timeout%time.Second != 0:
		return bad("timeout %v: whole seconds, 1 to 900", cfg.Timeout)
	case cfg.EphemeralStorage < defaultStorage || cfg.EphemeralStorage > maxStorage:
		return bad("ephemeral storage %d MB: 512 to 10240", cfg.EphemeralStorage)
	case !validGroup.MatchString(cfg.LogsTo()) || strings.HasPrefix(cfg.LogGroup, "aws/"):
		return bad("log group %q: 1 to 512 of the characters a-z A-Z 0-9 _ - / . #, and not aws/ at its beginning", cfg.LogGroup)
	case len(cfg.Description) > 256:
		return bad("description of %d characters: 256 at most", len(cfg.Description))
	}
	if err := validateEnvironment(cfg.Environment); err != nil {
		return err
	}
	if err := cfg.validateManaged(); err != nil {
		return err
	}
	if err := cfg.checkTenancy(); err != nil {
		return err
	}
	return s.validateReservation(cfg)
}

// validateEnvironment follows
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func validateEnvironment(env map[string]string) error {
	size := 0
	var taken []string
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if !validKey.MatchString(key) && !slices.Contains(reservedVariables, key) {
			return awsproto.Errorf("InvalidParameterValueException",
				"environment variable %q: a name is a letter, then letters, digits or underscores, two at least", key)
		}
		if strings.ContainsRune(env[key], 0) {
			return awsproto.Errorf("InvalidParameterValueException", "environment variable %s holds a zero byte", key)
		}
		if slices.Contains(reservedVariables, key) {
			taken = append(taken, key)
		}
		size += len(key) + len(env[key])
	}
	if len(taken) > 0 {
		return awsproto.Errorf("InvalidParameterValueException",
			"Lambda was unable to configure your environment variables because the environment variables you have provided "+
				"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(taken, ", "))
	}
	if size > maxEnvironment {
		return awsproto.Errorf("InvalidParameterValueException",
			"Lambda was unable to configure your environment variables because the environment variables you have provided "+
				"exceeded the 4KB limit: %d bytes", size)
	}
	return nil
}

// validateReservation keeps some concurrency for the functions that have reserved none.
func (s *Service) validateReservation(cfg Function) error {
	if cfg.ReservedConcurrency == nil {
		return nil
	}
	left := s.left(&record{Function: cfg})
	if _, _, err := s.family(cfg.Name); err != nil { // it is not among those that left counts
		left -= *cfg.ReservedConcurrency
	}
	if *cfg.ReservedConcurrency < 0 || left < minUnreserved && *cfg.ReservedConcurrency > 0 {
		return awsproto.Errorf("InvalidParameterValueException",
			"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}
