package monitor

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHostProvisionsAsTheLaptopDoes runs the part of the boot script that writes Grafana's settings: the data source is
// the laptop's, with credentials and TLS, the dashboards' provider is the same, and so are the settings that both have.
func TestHostProvisionsAsTheLaptopDoes(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "jq", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed: apt-get install " + program)
		}
	}
	part, err := hostFiles.ReadFile("host/08-grafana.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "set -euo pipefail\nchown() { :; }\n" + unowned + "\npassword() { word='a \"word\"'; }\n" + string(part) + grafanaScript() + "grafana_config\n"
	c := exec.Command("bash", "-c", script)
	c.Env = append(os.Environ(), "settings="+dir, "data="+t.TempDir(), "provisioning="+dir+"/p",
		"EPHOR_GRAFANA_SECRET=g", "EPHOR_READER_SECRET=r", "EPHOR_GRAFANA_PORT=3000", "EPHOR_ADDRESS=192.0.2.1", "EPHOR_STORE_PORT=8086", "EPHOR_DATABASE="+Database)
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("a certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	laptop, err := View{}.Provisioning(dir+"/p", "https://127.0.0.1:8086")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) (host, own map[string]any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "p", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &host); err != nil {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		if err := json.Unmarshal(laptop[name], &own); err != nil {
			t.Fatal(err)
		}
		return host, own
	}
	host, own := read("dashboards/ephor.yaml")
	if diff := cmp.Diff(own, host); diff != "" {
		t.Errorf("the provider (-laptop +host):\n%s", diff)
	}
	host, own = read("datasources/ephor.yaml")
	own["prune"] = true
	source := own["datasources"].([]any)[0].(map[string]any)
	for name, value := range map[string]any{"editable": false, "basicAuth": true, "basicAuthUser": "reader",
		"secureJsonData": map[string]any{"basicAuthPassword": `a "word"`, "tlsCACert": "a certificate\n"}} {
		source[name] = value
	}
	source["jsonData"].(map[string]any)["tlsAuthWithCACert"] = true
	if diff := cmp.Diff(own, host); diff != "" {
		t.Errorf("the data source (-laptop +host):\n%s", diff)
	}
	ini, err := os.ReadFile(filepath.Join(dir, "grafana.ini"))
	if err != nil || !strings.Contains(string(ini), GrafanaSettings) || strings.Contains(string(ini), "$") && !strings.Contains(string(ini), "$__file{") {
		t.Errorf("%v: the settings are\n%s", err, ini)
	}
	// No section is there twice, of which Grafana might take one.
	seen := map[string]bool{}
	for line := range strings.Lines(string(ini)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") && seen[line] {
			t.Errorf("section %s is there twice", line)
		} else if strings.HasPrefix(line, "[") {
			seen[line] = true
		}
	}
}

// unowned is install without another user.
const unowned = `install() { command install -m "$2" "${@: -2}"; }`
