//go:build ephor_profile

package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// takeProfiles lets the command profile have profiles of this process. The process asks for orders at the
// address of the Runtime API, because it is frozen when it has nothing to do, and would answer nobody: whoever
// has an order thaws it. Only the laptop has such orders; on Lambda a line of the log says that, and no more
// is asked. It adds runtime/pprof, 0.2 MB, to the program, which is why it needs a build tag.
func takeProfiles() {
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		return
	}
	p := &profiler{base: "http://" + api + "/ephor/profiles/", client: &http.Client{Transport: &http.Transport{}}}
	if _, err := p.call(http.MethodPut, "", nil, ""); err != nil {
		log.Printf("ephor: no profiles can be had of this environment: %v", err)
		return
	}
	go p.run()
}

// profiler carries out orders; laptop/lambda/profileapi.go has the protocol.
type profiler struct {
	base   string
	client *http.Client
	cpu    bytes.Buffer // what is being recorded
}

func (p *profiler) run() {
	for {
		body, err := p.call(http.MethodGet, "next", nil, "")
		var order struct {
			ID, Kind string
			Begin    bool
		}
		if err == nil {
			err = json.Unmarshal(body, &order)
		}
		if err != nil { // the environment is ending, or has been interrupted in the midst of a request
			time.Sleep(100 * time.Millisecond)
			continue
		}
		profile, fault := p.carryOut(order.Kind, order.Begin)
		if _, err := p.call(http.MethodPost, order.ID, profile, fault); err != nil {
			log.Printf("ephor: handing out a profile: %v", err)
		}
	}
}

// carryOut begins to record, or makes a profile.
func (p *profiler) carryOut(kind string, begin bool) (profile []byte, fault string) {
	var b bytes.Buffer
	var err error
	switch {
	case kind == "cpu" && begin:
		p.cpu.Reset()
		err = pprof.StartCPUProfile(&p.cpu)
	case kind == "cpu":
		pprof.StopCPUProfile()
		return p.cpu.Bytes(), ""
	case kind == "block" && begin:
		runtime.SetBlockProfileRate(1)
	case kind == "mutex" && begin:
		runtime.SetMutexProfileFraction(1)
	default:
		switch kind {
		case "heap":
			runtime.GC() // a heap profile is as of the last collection
		case "block":
			runtime.SetBlockProfileRate(0)
		case "mutex":
			runtime.SetMutexProfileFraction(0)
		}
		if profile := pprof.Lookup(kind); profile != nil {
			err = profile.WriteTo(&b, 0)
		} else {
			err = errors.New("there is no profile " + kind)
		}
	}
	if err != nil {
		return nil, err.Error()
	}
	return b.Bytes(), ""
}

func (p *profiler) call(method, path string, body []byte, fault string) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if fault != "" {
		r.Header.Set("Ephor-Profile-Error", strings.Join(strings.Fields(fault), " "))
	}
	response, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s", method, p.base+path, response.Status)
	}
	return answer, nil
}
