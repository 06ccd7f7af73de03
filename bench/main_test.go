package bench

import (
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

func TestMain(m *testing.M) {
	uptest.MaybeServe()
	m.Run()
}
