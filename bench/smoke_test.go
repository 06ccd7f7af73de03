package bench

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Figures are taken by command only. So that their benchmarks do not rot, this runs each of them for one round, which
// proves what they check beside the clock: that nothing allocates, that every program builds and asks for work,
// that the publisher publishes.
func TestEachBenchmarkRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	self := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), os.Args[0], args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	name := regexp.MustCompile(`(?m)^Benchmark\w+`)
	want := name.FindAllString(self("-test.list", "^Benchmark"), -1)
	out := self("-test.run", "^$", "-test.bench", ".", "-test.benchtime", "1x", "-test.skip", tooLong, "-test.v")
	got := name.FindAllString(out, -1)
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(want, slices.Compact(got)) {
		t.Errorf("there are %q, and it ran %q:\n%s", want, got, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "--- SKIP") {
			t.Log(line) // for a program that is not here, of which the benchmark's own words tell
		}
	}
}

// tooLong are benchmarks, or parts of one, of which even one round takes more than all others together.
const tooLong = `^BenchmarkBurst$/^1000$`
