// Command grafana stands in for the program of that name in tests of the boot script and of up. It takes
// the command lines, the settings and the files of provisioning that these give Grafana, and
// keeps, as Grafana does, the administrator's password in a database of its own: the one
// in the settings counts only when the database is made.
//
// https://grafana.com/docs/grafana/latest/administration/cli/
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ephor-io/ephor/internal/grafanatest"
)

// version is told by server -v, in Grafana's words; a test may link another.
var version = "13.2.3"

func main() {
	if len(os.Args) < 2 {
		log.Fatal("grafana: server or cli")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	tells := flags.Bool("v", false, "")
	flags.String("homepath", "", "")
	flags.String("packaging", "", "")
	config := flags.String("config", "", "")
	_ = flags.Parse(os.Args[2:]) // ends the program
	if *tells {
		fmt.Printf("Version %s (commit: stand-in, branch: none)\n", version)
		return
	}
	ini, err := settings(*config)
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "server":
		err = serve(ini)
	case "cli":
		err = cli(ini, flags.Args())
	default:
		err = fmt.Errorf("grafana: no command %s", os.Args[1])
	}
	log.Fatal(err)
}

// settings reads an ini file into "section.key". $__file{path} is the file's content; what stands in three quotation
// marks may have any character; and a variable GF_SECTION_KEY stands above what the file has.
func settings(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, section := map[string]string{}, ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if quoted, ok := strings.CutPrefix(value, `"""`); ok {
			value = strings.TrimSuffix(quoted, `"""`)
		} else if strings.ContainsAny(value, "#;`") {
			return nil, fmt.Errorf("%s: %s has a character that begins a comment", path, key)
		}
		if value, err = expand(value); err != nil {
			return nil, err
		}
		out[section+"."+strings.TrimSpace(key)] = value
	}
	for name := range out {
		if value, ok := os.LookupEnv("GF_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))); ok {
			out[name] = value
		}
	}
	return out, nil
}

// expand puts a file's text in place of $__file{path}.
func expand(value string) (string, error) {
	file, ok := strings.CutPrefix(value, "$__file{")
	if !ok {
		return value, nil
	}
	text, err := os.ReadFile(strings.TrimSuffix(file, "}"))
	return strings.TrimSpace(string(text)), err
}

func database(ini map[string]string) string { return filepath.Join(ini["paths.data"], "grafana.db") }

func serve(ini map[string]string) error {
	if err := os.MkdirAll(ini["paths.data"], 0o750); err != nil {
		return err
	}
	password, err := os.ReadFile(database(ini))
	if errors.Is(err, os.ErrNotExist) {
		password = []byte(ini["security.admin_password"])
		err = os.WriteFile(database(ini), password, 0o640)
	}
	if err != nil {
		return err
	}
	var s grafanatest.Server
	s.Let(string(password), "")
	if err := sources(&s, ini); err != nil {
		return err
	}
	alerts := func() error { return rules(&s, ini) }
	if err := alerts(); err != nil {
		return err
	}
	s.OnReload("alerting", alerts)
	s.OnReload("dashboards", func() error { return show(&s, ini) })
	if err := show(&s, ini); err != nil {
		return err
	}
	if ini["auth.anonymous.enabled"] == "true" {
		if ini["auth.anonymous.org_role"] != "Viewer" {
			return fmt.Errorf("the anonymous as %q", ini["auth.anonymous.org_role"])
		}
		s.LetAnybody(grafanatest.Viewer)
	}
	go func() {
		for {
			time.Sleep(200 * time.Millisecond) // Grafana looks every updateIntervalSeconds
			if err := show(&s, ini); err != nil {
				log.Print(err)
			}
		}
	}()
	address := ini["server.http_addr"] + ":" + ini["server.http_port"]
	switch ini["server.protocol"] {
	case "https":
		return http.ListenAndServeTLS(address, ini["server.cert_file"], ini["server.cert_key"], &s)
	case "http":
		return http.ListenAndServe(address, ofDomain(ini, &s))
	}
	return fmt.Errorf("protocol %q", ini["server.protocol"])
}

// ofDomain sends those elsewhere who ask for another host than the domain.
func ofDomain(ini map[string]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		if ini["server.enforce_domain"] == "true" && host != ini["server.domain"] {
			http.Redirect(w, r, strings.TrimSuffix(ini["server.root_url"], "/")+r.RequestURI, http.StatusMovedPermanently)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sources connects what provisioning/datasources has. Its files are JSON here, which YAML takes too.
func sources(s *grafanatest.Server, ini map[string]string) error {
	return each(filepath.Join(ini["paths.provisioning"], "datasources", "*.yaml"), func(text []byte) error {
		var file struct{ Datasources []grafanatest.Source }
		if err := json.Unmarshal(text, &file); err != nil {
			return err
		}
		for _, source := range file.Datasources {
			if err := s.Connect(source); err != nil {
				return err
			}
		}
		return nil
	})
}

// show shows what the folders have that provisioning/dashboards names.
func show(s *grafanatest.Server, ini map[string]string) error {
	var all []json.RawMessage
	err := each(filepath.Join(ini["paths.provisioning"], "dashboards", "*.yaml"), func(text []byte) error {
		var file struct {
			Providers []struct{ Options struct{ Path string } }
		}
		if err := json.Unmarshal(text, &file); err != nil {
			return err
		}
		for _, p := range file.Providers {
			if err := each(filepath.Join(p.Options.Path, "*.json"), func(text []byte) error { all = append(all, text); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Show(all)
}

// rules checks what provisioning/alerting has for what the documentation requires, and takes its contact points.
func rules(s *grafanatest.Server, ini map[string]string) error {
	return each(filepath.Join(ini["paths.provisioning"], "alerting", "*.json"), func(text []byte) error {
		var file struct {
			grafanatest.Contacts
			APIVersion int
			Groups     []struct {
				Name, Folder, Interval string
				Rules                  []grafanatest.Rule
			}
		}
		if err := json.Unmarshal(text, &file); err != nil {
			return err
		}
		for _, p := range file.ContactPoints {
			for _, r := range p.Receivers {
				for key, value := range r.Settings {
					text, ok := value.(string)
					if !ok {
						continue
					}
					var err error
					if r.Settings[key], err = expand(text); err != nil {
						return err
					}
				}
			}
		}
		if err := s.Reach(file.Contacts); err != nil {
			return err
		}
		for _, g := range file.Groups {
			if g.Name == "" || g.Folder == "" || g.Interval == "" {
				return fmt.Errorf("rule group %q: name, folder and interval are required", g.Name)
			}
			for _, r := range g.Rules {
				if err := r.Check(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func each(pattern string, do func([]byte) error) error {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil {
			err = do(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// cli is admin reset-admin-password --password-from-stdin.
func cli(ini map[string]string, args []string) error {
	if strings.Join(args, " ") != "admin reset-admin-password --password-from-stdin" {
		return fmt.Errorf("grafana cli: %q", args)
	}
	password, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := os.WriteFile(database(ini), []byte(strings.TrimSpace(string(password))), 0o640); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}
