package metrics

import "net/http"

// Check says what Open would find wrong with where c's points are sent to, and as whom, without asking anybody. Its errors
// name the variables that FromEnv reads, and hold no secret.
func (c Config) Check() error {
	c = c.withDefaults()
	c.Transport = http.DefaultTransport // which is not used: a proxy is the affair of the machine that publishes
	_, err := newStore(c)
	return err
}

// WriteURL is where c's points are sent to. Its errors are those of Check.
func (c Config) WriteURL() (string, error) { return c.withDefaults().writeURL() }
