package metrics

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is what a Publisher is told. FromEnv fills it in from the environment of a Lambda
// function; its zero value is a publisher that is off.
type Config struct {
	// URL is the store's address, e.g. https://store.example.com:8086. Without one the publisher
	// is off.
	URL string
	// Database to write to, through the API of InfluxDB 1.x, which InfluxDB 3 and openGemini have
	// too; "" means "ephor".
	Database string
	// Org and Bucket are InfluxDB 2's: with a Bucket points are written through its API, which
	// InfluxDB 3 has too (there the bucket is the database and needs no organisation). A store
	// has either a Database or a Bucket.
	//
	// https://docs.influxdata.com/influxdb/v2/api/v2/write/
	Org, Bucket string
	// Token authorises the writing. With a colon, user:password, it is sent as Basic
	// credentials, which InfluxDB 1.x takes; without one, or with a Bucket, as "Authorization:
	// Token …", for InfluxDB 2 and 3. "" sends neither.
	Token string
	// CA is what the store's certificate must be signed by: certificates in PEM or the base64 of
	// that, which then are the only ones trusted. "" and "system" trust the machine's roots.
	CA string

	// Function, Version and Instance are the tags of every point; an empty one is left out. Two
	// environments of the same function need different instances, or their points overwrite
	// each other.
	Function, Version, Instance string

	// RuntimeAPI is the host and port of Lambda's Runtime API, where the publisher registers as
	// an extension. Without one it publishes when an invocation's response has been sent.
	RuntimeAPI string
	// Initialization is AWS_LAMBDA_INITIALIZATION_TYPE: how Lambda started this process.
	Initialization string

	// FlushEvery publishes after every n-th invocation only; 0 and 1 mean after every one. What
	// it strands is all since the last flush, whenever an environment is frozen for good without
	// being told to shut down.
	FlushEvery int
	// Interval is the time between flushes where invocations overlap and nothing freezes: on
	// Lambda Managed Instances. 0 means 1 s.
	Interval time.Duration
	// FlushTimeout bounds a flush; 0 means 300 ms. It ends 100 ms before the invocation's
	// deadline in any case.
	FlushTimeout time.Duration
	// MemoryLimit bounds the batches that wait for a store that does not answer, in bytes; 0
	// means 4 MB. Past it the oldest is dropped, and counted.
	MemoryLimit int

	// Set holds the instruments to publish; nil means the default one. A set has one publisher.
	Set *Set
	// Transport carries the requests to the store; nil means a connection of HTTP/1.1 of the
	// publisher's own, or through the environment's proxy where there is one.
	Transport http.RoundTripper
	// Clock tells the time; nil means the machine's.
	Clock Clock
	// Log is told, in one line each, what the function's owner should know: that the publisher
	// is off, that the store cannot be reached, that points were dropped. No line holds a
	// secret. nil means the standard logger, which is the function's log.
	Log func(message string)
}

// FromEnv reads the environment of a Lambda function. getenv is os.Getenv where it is nil.
//
//	EPHOR_STORE_URL       Config.URL
//	EPHOR_STORE_DATABASE  Config.Database
//	EPHOR_STORE_ORG       Config.Org
//	EPHOR_STORE_BUCKET    Config.Bucket
//	EPHOR_STORE_TOKEN     Config.Token
//	EPHOR_STORE_CA        Config.CA
//	EPHOR_FLUSH_EVERY     Config.FlushEvery
//
// Function, Version, Instance (the log stream's name, by which points are joined to logs),
// RuntimeAPI and Initialization come from the variables that Lambda sets:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
//
// The error says what is wrong with a variable; the configuration is still usable without it.
func FromEnv(getenv func(string) string) (Config, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	c := Config{
		URL:            getenv("EPHOR_STORE_URL"),
		Database:       getenv("EPHOR_STORE_DATABASE"),
		Org:            getenv("EPHOR_STORE_ORG"),
		Bucket:         getenv("EPHOR_STORE_BUCKET"),
		Token:          getenv("EPHOR_STORE_TOKEN"),
		CA:             getenv("EPHOR_STORE_CA"),
		Function:       getenv("AWS_LAMBDA_FUNCTION_NAME"),
		Version:        getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		Instance:       getenv("AWS_LAMBDA_LOG_STREAM_NAME"),
		RuntimeAPI:     getenv("AWS_LAMBDA_RUNTIME_API"),
		Initialization: getenv("AWS_LAMBDA_INITIALIZATION_TYPE"),
	}
	if every := getenv("EPHOR_FLUSH_EVERY"); every != "" {
		n, err := strconv.Atoi(every)
		if err != nil || n < 0 {
			return c, fmt.Errorf("EPHOR_FLUSH_EVERY is %q: want a number of invocations, such as 10; it counts as 1", every)
		}
		c.FlushEvery = n
	}
	return c, nil
}

// Values of AWS_LAMBDA_INITIALIZATION_TYPE.
const (
	provisionedConcurrency = "provisioned-concurrency"
	managedInstances       = "lambda-managed-instances"
)

func (c Config) withDefaults() Config {
	if c.Database == "" && c.Bucket == "" {
		c.Database = "ephor"
	}
	if c.Interval <= 0 {
		c.Interval = time.Second
	}
	if c.FlushTimeout <= 0 {
		c.FlushTimeout = 300 * time.Millisecond
	}
	if c.MemoryLimit <= 0 {
		c.MemoryLimit = 4 << 20
	}
	c.FlushEvery = max(c.FlushEvery, 1)
	if c.Set == nil {
		c.Set = Default()
	}
	if c.Clock == nil {
		c.Clock = systemClock()
	}
	if c.Log == nil {
		c.Log = func(message string) { log.Print("ephor: " + message) }
	}
	return c
}

// commonTags are on every point.
func (c Config) commonTags() []Tag {
	var tags []Tag
	for _, t := range []Tag{With(functionTag, c.Function), With(instanceTag, c.Instance), With(versionTag, c.Version)} {
		if t.Value != "" {
			tags = append(tags, t)
		}
	}
	return tags
}

// Authorization is the header of that name with which the store is written to, "" for none: Basic with a
// Token of the form user:password and no Bucket, else Token.
func (c Config) Authorization() string {
	switch {
	case c.Token == "":
		return ""
	case strings.Contains(c.Token, ":") && c.Bucket == "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Token))
	}
	return "Token " + c.Token
}

// Roots are the certificates that CA means, nil for the machine's. It is an error if it means none.
func (c Config) Roots() (*x509.CertPool, error) {
	if c.CA == "" || c.CA == "system" {
		return nil, nil
	}
	pem := []byte(c.CA)
	if !strings.Contains(c.CA, "-----BEGIN") {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.CA), ""))
		if err != nil {
			return nil, errors.New(`the store's CA is neither "system" nor PEM nor base64 of PEM`)
		}
		pem = decoded
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the store's CA holds no certificate")
	}
	return pool, nil
}
