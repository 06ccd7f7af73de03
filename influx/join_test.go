package influx

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxdb/models"
)

// a slowStore takes a second for each write and keeps their points' names.
type slowStore struct {
	mu     sync.Mutex
	writes []string
}

var errPoison = errors.New("a point that it does not take")

func (s *slowStore) store(b batch) error {
	time.Sleep(time.Second)
	var names []string
	for _, p := range b.points {
		names = append(names, string(p.Name()))
	}
	all := strings.Join(names, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, b.to.database+": "+all)
	if strings.Contains(all, "poison") {
		return errPoison
	}
	return nil
}

func named(name string) []models.Point {
	return []models.Point{models.MustNewPoint(name, nil, models.Fields{"v": 1.0}, time.Unix(1, 0))}
}

func TestWritesAreJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{}
		j := newJoiner(s.store)
		got := map[string]error{}
		var mu sync.Mutex
		write := func(database, name string) {
			go func() {
				err := j.write(batch{points: named(name), to: destination{database: database}})
				mu.Lock()
				defer mu.Unlock()
				got[database+": "+name] = err
			}()
			time.Sleep(10 * time.Millisecond) // one after the other
		}
		write("one", "a")
		write("one", "b")
		write("one", "c")
		time.Sleep(time.Second) // a is written
		synctest.Wait()
		write("one", "d")
		write("one", "poison")
		write("one", "e")
		write("two", "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{"one: a", "one: b c", "two: a", "one: d poison e"}
		if diff := cmp.Diff(want, s.writes[:len(want)]); diff != "" {
			t.Errorf("writes (-want +got)\n%s", diff)
		}
		alone := map[string]int{}
		for _, w := range s.writes[len(want):] {
			alone[w]++
		}
		if diff := cmp.Diff(map[string]int{"one: d": 1, "one: poison": 1, "one: e": 1}, alone); diff != "" {
			t.Errorf("writes after the one that failed (-want +got)\n%s", diff)
		}
		if len(got) != 7 {
			t.Errorf("%d answers of 7", len(got))
		}
		for name, err := range got {
			if want := strings.Contains(name, "poison"); errors.Is(err, errPoison) != want || (err != nil) != want {
				t.Errorf("%s was answered with %v", name, err)
			}
		}
		if len(j.queues) != 0 {
			t.Errorf("%d queues are left", len(j.queues))
		}
	})
}

func TestJoinedWritesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		j := newJoiner(func(b batch) error {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(b.points))
			return nil
		})
		for _, n := range []int{1, 3000, 2000, 1, maxJoined + 1} {
			go func() {
				points := make([]models.Point, n)
				if err := j.write(batch{points: points}); err != nil {
					t.Error(err)
				}
			}()
			time.Sleep(10 * time.Millisecond) // one after the other
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]int{1, maxJoined + 1, 5000, 1}, sizes); diff != "" {
			t.Errorf("sizes of the writes (-want +got)\n%s", diff)
		}
	})
}

// Clients that write at the same time each get the answer to their own points, and what was
// acknowledged is there.
func TestConcurrentWritesAnswerForThemselves(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Config{})
	d := target{"embedded", url}
	if status, message := s.store([]byte("kind v=1 1"), "", destination{"ephor", "", "n"}); status != 204 {
		t.Fatal(status, message)
	}
	const writers, each = 16, 40
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				line, want := fmt.Sprintf("joined,writer=%d v=%d %d", w, i, i+1), 204
				if w == 0 {
					line, want = fmt.Sprintf("kind v=\"text\" %d", i+2), 400 // v is a number
				}
				if status, message := s.store([]byte(line), "", destination{"ephor", "", "n"}); status != want {
					t.Errorf("%s: %d %s", line, status, message)
				}
			}
		})
	}
	all.Wait()
	if got, want := d.values(t, "SELECT count(v) FROM joined"), fmt.Sprintf("[0,%d]", (writers-1)*each); got != want {
		t.Errorf("%s points are there, want %s", got, want)
	}
	if got := d.values(t, "SELECT count(v) FROM kind"); got != "[0,1]" {
		t.Errorf("%s points are there, want 1", got)
	}
}
