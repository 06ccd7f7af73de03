package deploy_test

import (
	"flag"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ephor-io/ephor/internal/mototest"
)

var onAWS = flag.Bool("aws", false, "live the whole life on AWS too, with the credentials and the region that the SDK finds")

// suites are what is lived at each place.
func suites(t *testing.T, place func(*testing.T) life) {
	for name, run := range map[string]func(*life, *testing.T){"app": (*life).run, "orders": (*life).orders, "sources": (*life).sources} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := place(t)
			run(&l, t)
		})
	}
}

func TestLifeOnTheLaptop(t *testing.T) {
	t.Parallel()
	suites(t, func(t *testing.T) life {
		_, config, _ := deployer(t)
		return life{config: config, goos: runtime.GOOS, goarch: runtime.GOARCH}
	})
}

// What moto cannot do is in docs/deploying.md, too.
func TestLifeOnMoto(t *testing.T) {
	t.Parallel()
	suites(t, func(t *testing.T) life {
		return life{config: moto(t), goos: "linux", goarch: "arm64", cannot: map[ability]string{
			invokes:       "it runs functions in Docker",
			tellsOutputs:  "it works out outputs when it makes a stack, and a change set's has no template then",
			imports:       "likewise; it says No export named … found",
			refusesDelete: "likewise",
			failsCreation: "the call that executes the change set fails instead; nothing is rolled back",
			failsUpdate:   "likewise",
			ownBuses:      "it takes the bus for its name, and fails",
			tellsProperty: "its change sets have actions alone",
		}}
	})
}

func TestLifeOnAWS(t *testing.T) {
	t.Parallel()
	if !*onAWS {
		t.Skip("it needs an account: go test ./deploy -run TestLifeOnAWS -aws -timeout 1h")
	}
	suites(t, func(t *testing.T) life {
		config, err := awsconfig.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return life{config: config, goos: "linux", goarch: "arm64"}
	})
}

func moto(t *testing.T) aws.Config {
	t.Helper()
	return stubConfig(mototest.Start(t))
}

func stubConfig(endpoint string) aws.Config {
	return aws.Config{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
}
