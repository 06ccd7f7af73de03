package lambda

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcessorsOf(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{128: 1, 1769: 1, 1770: 2, 3538: 2, 3539: 3, 10240: 6} {
		if got := processorsOf(size); got != want {
			t.Errorf("%d MB: %d processors, want %d", size, got, want)
		}
	}
}

func TestProcessorsAreDealtOut(t *testing.T) {
	t.Parallel()
	p := newProcessors([]int{2, 3, 5})
	taken := map[int]int{}
	var all [][]int
	for range 6 {
		numbers := p.take(1)
		if len(numbers) != 1 {
			t.Fatalf("%v instead of one processor", numbers)
		}
		taken[numbers[0]]++
		all = append(all, numbers)
	}
	if diff := cmp.Diff(map[int]int{2: 2, 3: 2, 5: 2}, taken); diff != "" {
		t.Error(diff)
	}
	// What is given back is taken first.
	p.give(all[0])
	if got := p.take(1); !cmp.Equal(got, all[0]) {
		t.Errorf("%v was given back and %v taken", all[0], got)
	}
	if got := p.take(3); got != nil {
		t.Errorf("%v are all there are, which needs no saying", got)
	}
	p.give(nil)
}
