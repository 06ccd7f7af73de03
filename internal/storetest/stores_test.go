package storetest_test

import (
	"testing"

	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/internal/storetest/stores"
)

// The embedded engine, as the laptop serves it.
func TestEngine(t *testing.T) { t.Parallel(); storetest.Run(t, stores.Engine) }

func TestEngineByBucket(t *testing.T) { t.Parallel(); storetest.Run(t, stores.EngineByBucket) }

// Debian's influxd 1.6.
func TestInfluxd(t *testing.T) { t.Parallel(); openAndClosed(t, "") }

func TestInfluxd18(t *testing.T) { t.Parallel(); openAndClosed(t, stores.Influxd18(t)) }

func openAndClosed(t *testing.T, program string) {
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) storetest.Store { return stores.OpenInfluxd(t, program) })
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) storetest.Store { return stores.ClosedInfluxd(t, program) })
	})
}

func TestInfluxDB2(t *testing.T) { t.Parallel(); storetest.Run(t, stores.InfluxDB2) }

func TestInfluxDB2AsDocumented(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.InfluxDB2AsDocumented)
}

func TestInfluxDB3AsDocumented(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.InfluxDB3AsDocumented)
}

func TestInfluxDB3OfItsSource(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.InfluxDB3OfItsSource)
}

func TestOpenGemini(t *testing.T) { t.Parallel(); storetest.Run(t, stores.OpenGemini) }
