package monitor

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/dashboard"
)

// The boot script, in files of one idea each, which are put together in the order of their names.
//
//go:embed host/*.sh host/start/*.sh
var hostFiles embed.FS

// Script is the host's boot script. Its lines are those that a failure's signal counts.
func Script() string {
	var b strings.Builder
	for _, name := range filesOf("host/*.sh") {
		b.WriteString(textOf(name))
		switch name {
		case "host/07-schema.sh":
			b.WriteString(schemaScript())
		case "host/08-grafana.sh":
			b.WriteString(grafanaScript())
		case "host/10-backup.sh":
			fmt.Fprintf(&b, "\nbackup_every=%.0f # seconds\n", dashboard.BackupEvery.Seconds())
		}
	}
	return b.String()
}

// startScript is what the user data unpack and run: enough of the script to fetch the whole, or to tell why not.
func startScript() string {
	var b strings.Builder
	for _, name := range slices.Concat(filesOf("host/0[0-1]-*.sh"), filesOf("host/02-tools.sh"), filesOf("host/start/*.sh")) {
		b.WriteString(textOf(name))
	}
	return b.String()
}

// filesOf are the names that the pattern, which is ours, matches, sorted.
func filesOf(pattern string) []string {
	names, err := fs.Glob(hostFiles, pattern)
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("monitor: no files of the host's script are %s: %v", pattern, err))
	}
	return names
}

func textOf(name string) string {
	text, err := hostFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is linked in
	}
	return string(text)
}

// scriptSum is how the user data name the script: the SHA-256, in hexadecimal, of what runs. The
// packed form differs with the version of Go's compression.
func scriptSum() string {
	sum := sha256.Sum256([]byte(uncommented(Script())))
	return hex.EncodeToString(sum[:])
}

// scriptParameters hold the script in pieces, as others hold the dashboards. They are named after the
// script, so that while the stack changes the one before is there for a machine that is told to run it.
func scriptParameters() (map[string]cfn.Resource, error) {
	text, err := packed(Script())
	if err != nil {
		return nil, err
	}
	name := scriptSum()[:16] // as host/start/start.sh has it
	return inParameters("Script"+strings.ToUpper(name[:8]), "script/"+name, "The boot script of the monitoring host, packed.", cut(text)), nil
}

// schemaScript is what the script makes of the store's schema beside the raw points.
func schemaScript() string {
	var b strings.Builder
	b.WriteString("\nraw_shard=" + RawShard + "\n\nrollup_policies() {\n  local policy\n")
	for _, p := range policies("${EPHOR_ROLLUP_DAYS}d") {
		text := strings.ReplaceAll(p.text(), `"`, `\"`)
		fmt.Fprintf(&b, "  policy=\"RETENTION POLICY %s\"\n  mended \"CREATE $policy\" \"ALTER $policy\"\n", text)
	}
	fmt.Fprintf(&b, "}\n\nlate_every=%.0f late_step=%.0f late_back=%.0f # seconds\n\nrollup_table() {\n  cat <<'END'\n",
		lateEvery.Seconds(), lateStep.Seconds(), lateBack.Seconds())
	for _, r := range Rollups() {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s", r.Name, r.tier.every, r.tier.back, r.rest(r.only))
		for _, c := range r.columns {
			fmt.Fprintf(&b, "\t%s", c)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "END\n}\n\nrange_points() {\n  cat <<'END'\n%sEND\n}\n\n", Ranges("raw"))
	return b.String()
}

// MaxUserData is how much EC2 takes, in bytes before base64.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const MaxUserData = 16 << 10

// uncommented is the script without its comments, of which the lines stay empty, so that lines keep
// their numbers.
func uncommented(script string) string {
	lines := strings.Split(script, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "# ") {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// packed is the script without its comments, in gzip and base64.
func packed(script string) (string, error) {
	var b bytes.Buffer
	// The best compression there is, and no time in the header: the same script is the same text.
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	if _, err := z.Write([]byte(uncommented(script))); err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
