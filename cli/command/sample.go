package command

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// samples are events as AWS's services send them, each in a file of its name.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
//
//go:embed sample/*.json
var samples embed.FS

// sampleNames are their names, sorted.
func sampleNames() []string {
	files, err := fs.Glob(samples, "sample/*.json")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "sample/"), ".json")
	}
	return files
}

// sampleEvent is the event of that name.
func sampleEvent(name string) ([]byte, error) {
	data, err := samples.ReadFile("sample/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("--event: there is no sample event %q; there are %s", name, strings.Join(sampleNames(), ", "))
	}
	return data, nil
}

// listEvents prints the names of the sample events, or the one of that name.
func (p *program) listEvents(name string) error {
	text := []byte(strings.Join(sampleNames(), "\n") + "\n")
	if name != "" {
		var err error
		if text, err = sampleEvent(name); err != nil {
			return err
		}
	}
	if _, err := p.stdout.Write(text); err != nil {
		return fmt.Errorf("printing sample events: %w", err)
	}
	return nil
}
