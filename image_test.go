package ephor_test

import (
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
)

func TestImageValidate(t *testing.T) {
	t.Parallel()
	validate := func(dockerfile string) error {
		app := ephor.New("Shop")
		app.Function("Job", func() error { return nil })
		app.Image(ephor.Image{Dockerfile: dockerfile})
		if i, ok := app.Container(); !ok || i.Dockerfile != dockerfile {
			t.Errorf("the image is %+v, %v", i, ok)
		}
		return app.Validate()
	}
	for _, good := range []string{"Dockerfile", "image/Dockerfile.prod"} {
		if err := validate(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"": "no Dockerfile", "/etc/Dockerfile": "does not lead out", "../Dockerfile": "does not lead out", ".": "does not lead out", `image\Dockerfile`: "with slashes",
	} {
		if err := validate(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
	if _, ok := ephor.New("Shop").Container(); ok {
		t.Error("an application is an image without being asked to")
	}
}
