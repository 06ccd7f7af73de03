package command

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/monitor"
)

// values are those of the monitoring stack's parameters with which it is provisioned: what is given, what follows from that
// and from where this runs, and what the stack has. --fast changes no stack, so nothing is added for it.
func (p *program) values(ctx context.Context, d *deploying, f provisionFlags, given map[string]string) (monitor.Values, error) {
	g, ok := hosted(p.app, f.target)
	if !ok {
		return monitor.Values{}, nil
	}
	s, err := d.State(ctx, g.Stack)
	if err != nil {
		return monitor.Values{}, err
	}
	v := monitor.Values{Given: maps.Clone(given), Kept: s.Kept()}
	if f.fast {
		return v, nil
	}
	if v.Given == nil {
		v.Given = map[string]string{}
	}
	say := d.terminal.sayf
	keepImage(v, s.Outputs[monitor.OutputImage], say)
	if f.target.name == targetAWS {
		if err := checkValues(v, g); err != nil {
			return monitor.Values{}, err
		}
		openGrafana(ctx, v, g.Stack, checkIP(d.config), say)
	}
	return v, nil
}

// checkValues looks whether a host with these values can do what g asks of it. The laptop's store keeps everything.
func checkValues(v monitor.Values, g ephor.Grafana) error {
	err := v.Check(g)
	var silence *monitor.SilenceError
	if errors.As(err, &silence) {
		return hinted(err, fmt.Sprintf("--parameter RawDays=%d, or a shorter Silence", silence.Days()))
	}
	return err
}

// keepImage adds that the host keeps the image that it has, unless the values say something else about it. A stack
// that is not there yet takes what ImageId names, and so does one that is given another.
func keepImage(v monitor.Values, has string, say func(string, ...any)) {
	if _, given := v.Given[monitor.ParamKeepImage]; given || has == "" || v.Kept == nil {
		return
	}
	image, given := v.Given[monitor.ParamImage]
	switch {
	case given && image != v.Kept[monitor.ParamImage]:
		v.Given[monitor.ParamKeepImage] = ""
		return
	case given:
		say("note: %s=%s is what the stack has already, so the host keeps its image %s; --parameter %s= takes the latest", monitor.ParamImage, image, has, monitor.ParamKeepImage)
	}
	if has != v.Kept[monitor.ParamKeepImage] {
		v.Given[monitor.ParamKeepImage] = has
	}
}

// letsIn is whom Grafana's port is open to, or "" on the laptop, which has no such port.
func (f provisionFlags) letsIn(v monitor.Values) string {
	if f.target.name != targetAWS {
		return ""
	}
	return v.Of(monitor.ParamAllowed)
}
