package lambda

import "golang.org/x/sys/unix"

// maxProcessors is how many a unix.CPUSet can hold.
const maxProcessors = 1024

// ownProcessors are those that the calling thread may run on.
func ownProcessors() (numbers []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for n := range maxProcessors {
		if set.IsSet(n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// runOn has the calling thread, and the processes that it starts, run on these processors alone.
func runOn(numbers []int) error {
	var set unix.CPUSet
	for _, n := range numbers {
		set.Set(n)
	}
	return unix.SchedSetaffinity(0, &set)
}
