package monitor

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
)

// The boot script, in files of one idea each, which are put together in the order of their names.
//
//go:embed host/*.sh
var hostFiles embed.FS

// Script is the host's boot script: what its user data unpacks and runs. Its lines are those that a
// failure's signal counts.
func Script() string {
	names, err := fs.Glob(hostFiles, "host/*.sh") // sorted
	if err != nil {
		panic(err) // the pattern is ours
	}
	var b strings.Builder
	for _, name := range names {
		text, err := hostFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is linked in
		}
		b.Write(text)
		switch name {
		case "host/07-schema.sh":
			b.WriteString(schemaScript())
		case "host/08-grafana.sh":
			b.WriteString(grafanaScript())
		}
	}
	return b.String()
}

// schemaScript is what the script makes of the store's schema beside the raw points.
func schemaScript() string {
	var b strings.Builder
	b.WriteString("\nraw_shard=" + RawShard + "\n\nrollup_policies() {\n  local policy\n")
	for _, p := range policies("${EPHOR_ROLLUP_DAYS}d") {
		text := strings.ReplaceAll(p.text(), `"`, `\"`)
		fmt.Fprintf(&b, "  policy=\"RETENTION POLICY %s\"\n  mended \"CREATE $policy\" \"ALTER $policy\"\n", text)
	}
	b.WriteString("}\n\nrollup_queries() {\n  cat <<'END'\n")
	for _, r := range Rollups() {
		fmt.Fprintf(&b, "%s\t%s\n", r.Name, r.Create())
	}
	fmt.Fprintf(&b, "END\n}\n\nrange_points() {\n  cat <<'END'\n%sEND\n}\n\n", Ranges("raw"))
	return b.String()
}

// MaxUserData is how much EC2 takes, in bytes before base64.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const MaxUserData = 16 << 10

// packed is the script for the user data: without its comments, of which the lines stay empty, so
// that lines keep their numbers, then gzip and base64. So it needs no bucket, and a stack made by hand from
// the template alone is whole.
func packed(script string) (string, error) {
	lines := strings.Split(script, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "# ") {
			lines[i] = ""
		}
	}
	var b bytes.Buffer
	// The best compression there is, and no time in the header: the same script is the same text.
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	if _, err := z.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("packing the boot script: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
