package lambda

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A function's process has as many processors as its memory buys on Lambda, and the next one does not
// inherit them.
func TestProcessorsOfAnEnvironment(t *testing.T) {
	t.Parallel()
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{128, 1769, 1770, 10240} {
		s := open(t, Config{})
		create(t, s, hello(t, func(in *FunctionInput) { in.MemorySize = size }))
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(pidOf(t, call(t, s, `{}`)), &got); err != nil {
			t.Fatal(err)
		}
		if want := min(processorsOf(size), own.Count()); got.Count() != want {
			t.Errorf("%d MB: %d processors, want %d", size, got.Count(), want)
		}
	}
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.MemorySize = "small", 128 }))
	create(t, s, hello(t, func(in *FunctionInput) { in.MemorySize = 10240 }))
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "small"}); err != nil {
		t.Fatal(err)
	}
	var got unix.CPUSet
	if err := unix.SchedGetaffinity(pidOf(t, call(t, s, `{}`)), &got); err != nil {
		t.Fatal(err)
	}
	if want := min(processorsOf(10240), own.Count()); got.Count() != want {
		t.Errorf("after a small one: %d processors, want %d", got.Count(), want)
	}
}
