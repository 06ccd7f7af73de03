package lambda

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
)

// reservedVariables are the environment variables that Lambda sets and a function's configuration
// may not. See https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
	"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
}

// The values of AWS_LAMBDA_INITIALIZATION_TYPE.
const (
	onDemand               = "on-demand"
	provisionedConcurrency = "provisioned-concurrency"
)

// Where functions are told to send traces. Nobody listens there, and what is sent stays on this machine:
// Lambda's own address is one of its machines'.
const (
	xrayHost = "127.0.0.1"
	xrayPort = "2000"

	runtimeDir = "/var/runtime" // where Lambda has a managed runtime; an OS-only one has nothing there
)

// variables is the whole environment of an execution environment's process, sorted: nothing of
// this process's own environment is in it. As on Lambda, an OS-only runtime finds neither
// AWS_EXECUTION_ENV nor _X_AMZN_TRACE_ID, and the user's variables win over those that are not
// reserved (PATH, LANG, TZ, LD_LIBRARY_PATH, AWS_XRAY_…, AWS_LAMBDA_LOG_…, AWS_ENDPOINT_URL, TMPDIR). The
// variables are those of Lambda's page and, where it is silent, of its Runtime Interface Emulator.
func (e *environment) variables(taskRoot, runtimeAPI string) []string {
	s, cfg, stream := e.function.service, e.rev.cfg, e.stream
	env := map[string]string{
		"LANG":                     "en_US.UTF-8",
		"TZ":                       ":UTC",
		"PATH":                     "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":          "/lib64:/usr/lib64:" + runtimeDir + ":" + runtimeDir + "/lib:" + taskRoot + ":" + filepath.Join(taskRoot, "lib") + ":/opt/lib",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":  xrayHost + ":" + xrayPort,
		"AWS_LAMBDA_LOG_FORMAT":    cmp.Or(cfg.Logging.Format, "Text"),
	}
	if cfg.Logging.json() {
		env["AWS_LAMBDA_LOG_LEVEL"] = cfg.Logging.ApplicationLevel
	}
	if opt := e.box.opt; opt != "" && opt != "/opt" { // the layers are elsewhere on this machine
		env["PATH"] += ":" + filepath.Join(opt, "bin")
		env["LD_LIBRARY_PATH"] += ":" + filepath.Join(opt, "lib")
	}
	if s.cfg.EndpointURL != "" {
		env["AWS_ENDPOINT_URL"] = s.cfg.EndpointURL
	}
	if e.box.tmp != "" {
		env["TMPDIR"] = e.box.tmp
	}
	for k, v := range cfg.Environment {
		env[k] = v
	}
	for k, v := range map[string]string{
		"_HANDLER":                        cfg.Handler,
		"AWS_REGION":                      s.cfg.Region,
		"AWS_DEFAULT_REGION":              s.cfg.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     cfg.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cfg.MemorySize),
		"AWS_LAMBDA_LOG_GROUP_NAME":       cfg.LogsTo(),
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  e.initType,
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"AWS_LAMBDA_METADATA_API":         runtimeAPI,
		"AWS_LAMBDA_METADATA_TOKEN":       e.metadataToken,
		"AWS_ACCESS_KEY_ID":               s.cfg.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           s.cfg.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               s.cfg.Credentials.SessionToken,
		"LAMBDA_TASK_ROOT":                taskRoot,
		"LAMBDA_RUNTIME_DIR":              runtimeDir,
		"_AWS_XRAY_DAEMON_ADDRESS":        xrayHost,
		"_AWS_XRAY_DAEMON_PORT":           xrayPort,
	} {
		env[k] = v
	}
	if cfg.ManagedInstances != nil {
		env["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(cfg.ManagedInstances.MaxConcurrency)
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}
