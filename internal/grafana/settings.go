package grafana

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The folders in Config.Dir.
func (c Config) data() string         { return filepath.Join(c.Dir, "data") }
func (c Config) logs() string         { return filepath.Join(c.Dir, "log") }
func (c Config) ini() string          { return filepath.Join(c.Dir, "grafana.ini") }
func (c Config) provisioning() string { return ProvisioningFolder(c.Dir) }

// ProvisioningFolder is where a Grafana of that Config.Dir is provisioned from.
func ProvisioningFolder(dir string) string { return filepath.Join(dir, "provisioning") }

// settings are Grafana's. Whoever comes may look, since only this machine comes: Grafana listens on loopback, and sends
// away who asks for another host, as a page on the web would that names its own host after this machine's address. To change
// something takes the administrator's password, which is made here and nowhere told.
//
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-security/configure-authentication/anonymous-auth/
func (c Config) settings(port int, password string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `[paths]
data = %s
logs = %s
plugins = %s
provisioning = %s
[server]
protocol = http
http_addr = 127.0.0.1
http_port = %d
domain = 127.0.0.1
enforce_domain = true
root_url = http://127.0.0.1:%d/
[security]
admin_user = admin
admin_password = %s
disable_gravatar = true
[auth.anonymous]
enabled = true
org_role = Viewer
[log]
mode = file
level = info
`, quoted(c.data()), quoted(c.logs()), quoted(filepath.Join(c.data(), "plugins")), quoted(c.provisioning()), port, port, password)
	b.WriteString(c.Settings)
	return b.String()
}

// quoted keeps what would begin a comment.
func quoted(path string) string { return `"""` + path + `"""` }

// PasswordFile is where the password of user admin is, of a Grafana of that Config.Dir.
func PasswordFile(dir string) string { return filepath.Join(dir, "data", "password") }

// password is the administrator's, the same for as long as Grafana's database lives: only when that is made, the one in
// the settings counts.
func (c Config) password() (string, error) {
	at := PasswordFile(c.Dir)
	text, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(at, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keeping Grafana's password: %w", err)
	}
	return string(text), nil
}

// provide writes the files of provisioning and removes others from their folders. It reports which folders have
// changed: dashboards, whose files are in json, alerting and datasources.
func (c Config) provide(files map[string][]byte) (changed map[string]bool, err error) {
	changed = map[string]bool{}
	fails := func(err error) error { return fmt.Errorf("provisioning Grafana: %w", err) }
	// Grafana tells of each of its folders that is not there.
	for _, folder := range []string{"json", "alerting", "dashboards", "datasources", "plugins"} {
		dir := filepath.Join(c.provisioning(), folder)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fails(err)
		}
		there, err := os.ReadDir(dir)
		if err != nil {
			return nil, fails(err)
		}
		for _, f := range there {
			if _, stays := files[folder+"/"+f.Name()]; stays {
				continue
			}
			changed[folder] = true
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, fails(err)
			}
		}
	}
	for name, text := range files {
		at := filepath.Join(c.provisioning(), filepath.FromSlash(name))
		if is, err := os.ReadFile(at); err == nil && string(is) == string(text) {
			continue
		}
		changed[strings.Split(name, "/")[0]] = true
		// Grafana may look at any time.
		if err := os.WriteFile(at+".new", text, 0o600); err != nil {
			return nil, fails(err)
		}
		if err := os.Rename(at+".new", at); err != nil {
			return nil, fails(err)
		}
	}
	changed["dashboards"] = changed["dashboards"] || changed["json"]
	return changed, nil
}
