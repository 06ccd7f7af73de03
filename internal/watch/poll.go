package watch

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// poll is the source that reads the folders again and again and compares.
type poll struct {
	paths  chan string
	done   chan struct{}
	reader sync.WaitGroup

	mu   sync.Mutex
	dirs map[string]map[string]stamp // by folder and name
}

// A stamp tells one state of a file from another.
type stamp struct {
	dir  bool
	size int64
	time time.Time
}

func newPoll(every time.Duration) *poll {
	p := &poll{paths: make(chan string), done: make(chan struct{}), dirs: map[string]map[string]stamp{}}
	p.reader.Go(func() { p.read(every) })
	return p
}

func (p *poll) add(dir string) error {
	p.watch(dir)
	return nil
}

func (p *poll) watch(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirs[dir] == nil {
		p.dirs[dir] = stamps(dir)
	}
}

func (p *poll) touched() <-chan string { return p.paths }
func (p *poll) failed() <-chan error   { return nil }

func (p *poll) close() {
	close(p.done)
	p.reader.Wait()
}

func (p *poll) read(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
		}
		for _, path := range p.compare() {
			select {
			case p.paths <- path:
			case <-p.done:
				return
			}
		}
	}
}

// compare returns what is not as it was the last time.
func (p *poll) compare() (touched []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for dir, before := range p.dirs {
		now := stamps(dir)
		for name, s := range now {
			if old, ok := before[name]; !ok || old != s {
				touched = append(touched, filepath.Join(dir, name))
			}
		}
		for name := range before {
			if _, ok := now[name]; !ok {
				touched = append(touched, filepath.Join(dir, name))
			}
		}
		p.dirs[dir] = now
	}
	return touched
}

// stamps reads a folder; one that cannot be read has nothing in it.
func stamps(dir string) map[string]stamp {
	entries, _ := os.ReadDir(dir)
	m := make(map[string]stamp, len(entries))
	for _, e := range entries {
		if e.IsDir() {
			m[e.Name()] = stamp{dir: true}
		} else if info, err := e.Info(); err == nil {
			m[e.Name()] = stamp{size: info.Size(), time: info.ModTime()}
		}
	}
	return m
}
