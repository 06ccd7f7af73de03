package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/engine"
)

// checkEngine takes the engine that --engine names.
func (p *program) checkEngine(f provisionFlags) error {
	_, container := p.app.Container()
	switch {
	case f.engine == "":
		return nil
	case !slices.Contains(engine.Names(), f.engine):
		return fmt.Errorf("--engine %q: one of %s", f.engine, strings.Join(engine.Names(), ", "))
	case !container:
		return fmt.Errorf("--engine: %s is no image: app.Image names the Dockerfile of one", p.app.Name())
	case f.target.name == targetLaptop:
		return errors.New("--engine: on the laptop the functions are their executable, and no image is built")
	}
	return nil
}

// withoutImage says what an application that is an image on AWS lacks on the laptop, "" if it is none.
func withoutImage(app *ephor.App) string {
	i, ok := app.Container()
	if !ok {
		return ""
	}
	return fmt.Sprintf("note: on AWS the functions are the image of %s; here their executable runs by itself, and what else the image holds is not there", i.Dockerfile)
}

// hasRepository says whether the application may have a repository of images there. Only one that is an image
// is asked for it: nobody else needs the permission to look.
func (p *program) hasRepository(t target) bool {
	_, ok := p.app.Container()
	return ok && t.name == targetAWS
}
