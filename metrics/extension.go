package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The Extensions API:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
const (
	extensionName             = "ephor"
	headerExtensionName       = "Lambda-Extension-Name"
	headerExtensionIdentifier = "Lambda-Extension-Identifier"
	headerExtensionErrorType  = "Lambda-Extension-Function-Error-Type"
	extensionError            = "Extension.NoEvents"

	onInvoke  = `{"events":["INVOKE"]}`
	onNothing = `{"events":[]}`
)

// An extension is this process as Lambda's Extensions API knows it: an internal one, since the
// process is the runtime's. Lambda neither freezes the environment nor sends the next invocation
// while an extension that was told of an invocation has not asked for the next event.
type extension struct {
	id   string
	poll string // the URL that asks for an event
	end  string // the URL that is told of the extension's end
	wire *wire  // the address is the machine's own: no proxy of the environment is meant for it
}

type event struct {
	EventType  string
	DeadlineMs int64
}

// register must come before the runtime asks for its first invocation; from then on Lambda
// refuses it. An internal extension cannot have SHUTDOWN, it gets SIGTERM instead.
func register(ctx context.Context, api, events string) (*extension, error) {
	u, err := url.Parse("http://" + api + "/2020-01-01/extension/")
	if err != nil {
		return nil, err
	}
	e := &extension{poll: u.JoinPath("event/next").String(), end: u.JoinPath("exit/error").String(), wire: newWire(u, nil)}
	dial := e.wire.dial
	e.wire.dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return setAside(conn)
	}
	if err := e.register(ctx, u.JoinPath("register").String(), events); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// close ends the extension's connection.
func (e *extension) close() { e.wire.close() }

func (e *extension) register(ctx context.Context, address, events string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(events))
	if err != nil {
		return err
	}
	req.Header.Set(headerExtensionName, extensionName)
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.wire.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	e.id = resp.Header.Get(headerExtensionIdentifier)
	if resp.StatusCode != http.StatusOK || e.id == "" {
		return fmt.Errorf("%s: %s", resp.Status, oneLine(string(body)))
	}
	return nil
}

// next asks for the next event and blocks until there is one. Asking says that the work on the
// one before is done. asked is called when that has been said, with what says that there is no event yet.
func (e *extension) next(ctx context.Context, asked func(silent func() bool)) (event, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.poll, nil)
	if err != nil {
		return event{}, err
	}
	req.Header.Set(headerExtensionIdentifier, e.id)
	resp, err := e.wire.roundTrip(req, asked)
	if err != nil {
		return event{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return event{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return event{}, fmt.Errorf("%s: %s", resp.Status, oneLine(string(body)))
	}
	var ev event
	if err := json.Unmarshal(body, &ev); err != nil {
		return event{}, fmt.Errorf("an event of the Extensions API: %w", err)
	}
	return ev, nil
}

// exit says that the extension ends, which Lambda answers by ending the environment.
func (e *extension) exit(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.end, nil)
	if err != nil {
		return err
	}
	req.Header.Set(headerExtensionIdentifier, e.id)
	req.Header.Set(headerExtensionErrorType, extensionError)
	resp, err := e.wire.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return errors.Join(fmt.Errorf("%s: %s", resp.Status, oneLine(string(body))), err)
	}
	return nil
}

func (ev event) deadline() time.Time {
	if ev.DeadlineMs == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ev.DeadlineMs)
}
