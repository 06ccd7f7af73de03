package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
)

// profileOrder is what the laptop's Lambda, which takes this one call more than AWS's, is asked for.
type profileOrder struct {
	Instance string
	Kind     string
	Seconds  int
}

// profiled is a profile and whose it is.
type profiled struct {
	data        []byte
	instance    string
	invocations int // -1 where that is not known
}

// profileError is what it refuses with.
type profileError struct{ code, message string }

func (e *profileError) Error() string { return e.message }

// askProfile makes the call. It takes as long as the profile does; began is called when a recording has begun.
func askProfile(ctx context.Context, endpoint, function string, order profileOrder, began func()) (profiled, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		if code == http.StatusProcessing {
			began()
		}
		return nil
	}})
	body, err := json.Marshal(order)
	if err != nil {
		return profiled{}, fmt.Errorf("asking for a profile: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/ephor/functions/"+url.PathEscape(function)+"/profile", bytes.NewReader(body))
	if err != nil {
		return profiled{}, fmt.Errorf("asking for a profile: %w", err)
	}
	if err := sign(ctx, laptopAWS(endpoint), r, body, "lambda"); err != nil {
		return profiled{}, fmt.Errorf("asking for a profile: %w", err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return profiled{}, fmt.Errorf("asking for a profile: %w", err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return profiled{}, fmt.Errorf("asking for a profile: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		var refused struct{ Message string }
		if err := json.Unmarshal(data, &refused); err != nil {
			return profiled{}, fmt.Errorf("asking for a profile: %s", response.Status)
		}
		return profiled{}, &profileError{response.Header.Get("X-Amzn-Errortype"), refused.Message}
	}
	n, err := strconv.Atoi(response.Header.Get("Ephor-Invocations"))
	if err != nil {
		n = -1
	}
	return profiled{data, response.Header.Get("Ephor-Instance"), n}, nil
}
