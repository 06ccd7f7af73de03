package monitor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Settings are what a host is told by its user data.
type Settings struct {
	// Stack and Region are the stack's that the host belongs to.
	Stack, Region string
	// Signal is the address of the wait condition to which the host sends a Signal.
	Signal string
	// Database is the one to make in the store.
	Database string
	// Address is the public IPv4 address by which the host is reached.
	Address string
	// WriterSecret and GrafanaSecret are ARNs in Secrets Manager.
	WriterSecret, GrafanaSecret string
	// StorePort and GrafanaPort are where the two listen.
	StorePort, GrafanaPort int
}

// settings are the lines of the user data, in their order, and what CloudFormation puts there.
func settings() []struct{ name, value string } {
	return []struct{ name, value string }{
		{"EPHOR_STACK", "${AWS::StackName}"},
		{"EPHOR_REGION", "${AWS::Region}"},
		{"EPHOR_DOMAIN", "${AWS::URLSuffix}"},
		{"EPHOR_SIGNAL", "${HostReadyHandle}"},
		{"EPHOR_DATABASE", Database},
		{"EPHOR_ADDRESS", "${HostAddress}"},
		{"EPHOR_VOLUME", "${DataVolume}"},
		{"EPHOR_BUNDLE", "/ephor/${AWS::StackName}/bundle"},
		{"EPHOR_SCRIPT", scriptSum()},
		{"EPHOR_BACKUP_BUCKET", "${" + BackupBucket + "}"},
		{"EPHOR_BACKUP_DAYS", "${" + ParamBackupDays + "}"},
		{"EPHOR_RESTORE_FROM", "${" + paramRestoreFrom + "}"},
		{"EPHOR_ADMIN_SECRET", "${AdminSecret}"},
		{"EPHOR_WRITER_SECRET", "${WriterSecret}"},
		{"EPHOR_READER_SECRET", "${ReaderSecret}"},
		{"EPHOR_GRAFANA_SECRET", "${GrafanaSecret}"},
		{"EPHOR_STORE_PORT", strconv.Itoa(StorePort)},
		{"EPHOR_GRAFANA_PORT", strconv.Itoa(GrafanaPort)},
		{"EPHOR_INFLUXDB_VERSION", "${" + paramInfluxDB + "}"},
		{"EPHOR_GRAFANA_VERSION", "${" + paramGrafana + "}"},
		{"EPHOR_RAW_DAYS", "${" + paramRawDays + "}"},
		{"EPHOR_ROLLUP_DAYS", "${" + paramRollupDays + "}"},
	}
}

// userData is a shell script, which is what cloud-init runs: the settings, and the start of the boot
// script in a packed form. handle is the logical ID of the wait condition's handle.
func userData(handle string) (string, error) {
	script, err := packed(startScript())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("#!/bin/bash\nset -a\n")
	for _, s := range settings() {
		fmt.Fprintf(&b, "%s='%s'\n", s.name, strings.ReplaceAll(s.value, "${HostReadyHandle}", "${"+handle+"}"))
	}
	b.WriteString("set +a\nbase64 -d <<'END' | gunzip >/usr/local/sbin/ephor-start\n")
	b.WriteString(script)
	b.WriteString("\nEND\nchmod 755 /usr/local/sbin/ephor-start\nexec /usr/local/sbin/ephor-start\n")
	return b.String(), nil
}

// ParseUserData reads the settings lines, NAME='value', out of a host's user data, which may be
// in base64, as an instance's property holds it, or decoded. Other lines are skipped. A
// setting that is given twice, or whose value is not within single quotes, is an error, and so is
// user data without EPHOR_SIGNAL.
func ParseUserData(text string) (Settings, error) {
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		text = string(decoded)
	}
	values := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		name, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasPrefix(name, "EPHOR_") || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			continue
		}
		if len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' || strings.Contains(value[1:len(value)-1], "'") {
			return Settings{}, fmt.Errorf("user data, line %d: %s: the value does not stand between single quotes", i+1, name)
		}
		if _, twice := values[name]; twice {
			return Settings{}, fmt.Errorf("user data, line %d: %s is set twice", i+1, name)
		}
		values[name] = value[1 : len(value)-1]
	}
	if values["EPHOR_SIGNAL"] == "" {
		return Settings{}, errors.New("user data: EPHOR_SIGNAL is not set, so nobody would learn that the host is ready")
	}
	s := Settings{
		Stack:         values["EPHOR_STACK"],
		Region:        values["EPHOR_REGION"],
		Signal:        values["EPHOR_SIGNAL"],
		Database:      values["EPHOR_DATABASE"],
		Address:       values["EPHOR_ADDRESS"],
		WriterSecret:  values["EPHOR_WRITER_SECRET"],
		GrafanaSecret: values["EPHOR_GRAFANA_SECRET"],
	}
	for name, port := range map[string]*int{"EPHOR_STORE_PORT": &s.StorePort, "EPHOR_GRAFANA_PORT": &s.GrafanaPort} {
		n, err := strconv.ParseUint(values[name], 10, 16)
		if _, set := values[name]; set && err != nil {
			return Settings{}, fmt.Errorf("user data: %s: %q is not a port", name, values[name])
		}
		*port = int(n)
	}
	return s, nil
}
