package cloudformation

import (
	"context"
	"slices"
)

// inOrder calls work for every id, each once all that it needs among them is done, at most limit
// at a time. The first failure cancels the context of what runs and keeps the rest from starting;
// if onward, only what needs something that failed is left out. It returns when nothing runs any
// more, with the ids that failed, sorted.
func inOrder(ctx context.Context, ids []string, needs func(string) []string, limit int, onward bool, work func(context.Context, string) error) []string {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	open := make(map[string]int, len(ids))
	for _, id := range ids {
		open[id] = 0
	}
	users := map[string][]string{}
	for _, id := range ids {
		for _, need := range needs(id) {
			if _, among := open[need]; among && need != id {
				open[id]++
				users[need] = append(users[need], id)
			}
		}
	}
	var ready, failed []string
	for _, id := range ids {
		if open[id] == 0 {
			ready = append(ready, id)
		}
	}
	type result struct {
		id  string
		err error
	}
	results := make(chan result)
	for running := 0; running > 0 || len(ready) > 0; {
		for len(ready) > 0 && running < limit {
			id := ready[0]
			ready = ready[1:]
			running++
			go func() { results <- result{id, work(ctx, id)} }()
		}
		r := <-results
		running--
		if r.err != nil {
			failed = append(failed, r.id)
			if !onward {
				cancel()
				ready = nil
			}
			continue
		}
		if len(failed) > 0 && !onward {
			continue
		}
		for _, user := range users[r.id] {
			if open[user]--; open[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	slices.Sort(failed)
	return failed
}
