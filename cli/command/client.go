package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The laptop's own credentials and region. They open nothing: the endpoint is on loopback and
// takes whatever signature there is. A profile, the environment and the instance metadata are
// not even read, so that nothing meant for AWS ever reaches it from here, nor the reverse.
const (
	laptopKey     = "ephor"
	laptopRegion  = "us-east-1"
	storeDatabase = "ephor"
)

// laptopAWS is the SDK's configuration for the laptop's endpoint.
func laptopAWS(endpoint string) aws.Config {
	return aws.Config{
		Region:       laptopRegion,
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(laptopKey, laptopKey, ""),
	}
}

// sign signs a request whose body is body, for a service.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func sign(ctx context.Context, config aws.Config, r *http.Request, body []byte, service string) error {
	who, err := config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, who, r, hex.EncodeToString(sum[:]), service, config.Region, time.Now())
}

// addresses is what a running `up` leaves in its state for the commands of other terminals, and
// prints for programs.
type addresses struct {
	API       string `json:"api,omitempty"`
	Page      string `json:"page"`
	Store     string `json:"store"`
	Endpoint  string `json:"endpoint"`
	Dashboard string `json:"dashboard,omitempty"`
	// Grafana are the dashboards' in the Grafana of --grafana.
	Grafana []string `json:"grafana,omitempty"`
	// URLs are the functions' own, by the functions' names.
	URLs map[string]string `json:"urls,omitempty"`
}

// What an `up` keeps in its state, beside the lock and the file of its addresses.
const (
	buildFolder  = "build"
	laptopFolder = "laptop"
	// grafanaFolder is the Grafana's that up --grafana starts.
	grafanaFolder = "grafana"
	// provisionFolder is where provision builds.
	provisionFolder = "provision"
)

func addressFile(dir string) string { return filepath.Join(dir, "up.json") }

func (p *program) notRunning() error {
	return hinted(fmt.Errorf("%s is not running on this machine", p.app.Name()), "up, in another terminal")
}

// connect finds the `up` that runs on this application's state.
func (p *program) connect(ctx context.Context) (addresses, error) {
	var a addresses
	dir, err := p.stateDir(ctx)
	if err != nil {
		return a, err
	}
	pid, err := running(dir)
	if err != nil {
		return a, err
	}
	if pid == 0 {
		return a, p.notRunning()
	}
	data, err := os.ReadFile(addressFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return a, hinted(fmt.Errorf("%s, process %d, is still starting", p.app.Name(), pid), "the same again in a moment")
	}
	if err != nil {
		return a, fmt.Errorf("reading where %s runs: %w", p.app.Name(), err)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("reading where %s runs, %s: %w", p.app.Name(), addressFile(dir), err)
	}
	return a, nil
}
