package deploy_test

import (
	"bytes"
	"context"
	"flag"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var onAWS = flag.Bool("aws", false, "live the whole life on AWS too, with the credentials and the region that the SDK finds")

func TestLifeOnTheLaptop(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	(&life{config: config, goos: runtime.GOOS, goarch: runtime.GOARCH}).run(t)
}

// What moto cannot do is in docs/deploying.md, too.
func TestLifeOnMoto(t *testing.T) {
	t.Parallel()
	(&life{config: moto(t), goos: "linux", goarch: "arm64", cannot: map[ability]string{
		invokes:       "it runs functions in Docker",
		tellsOutputs:  "it works out outputs when it makes a stack, and a change set's has no template then",
		imports:       "likewise; it says No export named … found",
		refusesDelete: "likewise",
		failsCreation: "the call that executes the change set fails instead; nothing is rolled back",
		failsUpdate:   "likewise",
		tellsProperty: "its change sets have actions alone",
	}}).run(t)
}

func TestLifeOnAWS(t *testing.T) {
	t.Parallel()
	if !*onAWS {
		t.Skip("it needs an account: go test ./deploy -run TestLifeOnAWS -aws -timeout 1h")
	}
	config, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	(&life{config: config, goos: "linux", goarch: "arm64"}).run(t)
}

// moto starts moto_server on a port of its own.
func moto(t *testing.T) aws.Config {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: pip install 'moto[server]'")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	server := exec.Command(program, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	server.Stdout, server.Stderr = &log, &log
	server.WaitDelay = 5 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = server.Wait() // it was killed
		if t.Failed() {
			t.Logf("moto_server:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	endpoint := "http://127.0.0.1:" + strconv.Itoa(port)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/moto-api/data.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("moto_server does not answer: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return aws.Config{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
}
