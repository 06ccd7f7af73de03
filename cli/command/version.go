package command

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const modulePath = "github.com/ephor-io/ephor"

func (p *program) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of Ephor and Go",
		RunE: func(c *cobra.Command, _ []string) error {
			v := versions()
			if asJSON {
				return json.NewEncoder(p.stdout).Encode(v)
			}
			fmt.Fprintf(p.stdout, "ephor %s, %s, %s\n", v.Ephor, v.Go, v.Platform)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

type versionInfo struct {
	Ephor    string `json:"ephor"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// versions tells what this program is made of. Ephor's version is that of its module; built from
// a checkout it is the commit.
func versions() versionInfo {
	v := versionInfo{Ephor: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Path == modulePath {
		v.Ephor = info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == modulePath {
			v.Ephor = d.Version
		}
	}
	if v.Ephor == "(devel)" || v.Ephor == "" {
		v.Ephor = "(devel)"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Ephor += " " + s.Value
			}
		}
	}
	return v
}
