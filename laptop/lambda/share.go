package lambda

import (
	"cmp"
	"slices"
	"sync"
)

// memoryPerProcessor is with how many MB a function has the equivalent of one virtual CPU:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const memoryPerProcessor = 1769

// processorsOf is how many processors a function has whose memory is of size MB: as many as it takes for
// the share that Lambda gives. The share itself, below one processor, is not held to here.
func processorsOf(size int) int { return (size + memoryPerProcessor - 1) / memoryPerProcessor }

// processors deals out this machine's processors to the environments, each of which may have as many as
// on Lambda: what a program makes of their number (Go the threads that run at a time, others the size of
// a pool) it makes here, too. Which ones it has never changes.
type processors struct {
	mu     sync.Mutex
	shares []share // empty where a process cannot be given some of them
}

// share is a processor and how many environments have it.
type share struct{ number, taken int }

func newProcessors(numbers []int) *processors {
	p := &processors{}
	for _, n := range numbers {
		p.shares = append(p.shares, share{number: n})
	}
	return p
}

// take gives n of those that fewest have, nil if that would be all. They are given back by give.
func (p *processors) take(n int) (numbers []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n >= len(p.shares) {
		return nil
	}
	slices.SortStableFunc(p.shares, func(a, b share) int { return cmp.Compare(a.taken, b.taken) })
	for i := range p.shares[:n] {
		p.shares[i].taken++
		numbers = append(numbers, p.shares[i].number)
	}
	return numbers
}

func (p *processors) give(numbers []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.shares {
		if slices.Contains(numbers, p.shares[i].number) {
			p.shares[i].taken--
		}
	}
}
