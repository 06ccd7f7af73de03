package sqs

import (
	"testing"
	"time"
)

// BenchmarkSend is a message that is sent and durable, by eight senders at once.
func BenchmarkSend(b *testing.B) {
	s := open(b, b.TempDir())
	create(b, s, "q")
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Send("q", Sending{Body: "one book"}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkReceiveAndDelete is a message that is received, in tens, and deleted.
func BenchmarkReceiveAndDelete(b *testing.B) {
	s := open(b, b.TempDir())
	create(b, s, "q")
	for left := b.N; left > 0; left -= 10 {
		batch := make([]Sending, 10)
		for i := range batch {
			batch[i].Body = "one book"
		}
		if _, _, err := s.SendBatch("q", batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for done := 0; done < b.N; {
		got, err := s.Receive(b.Context(), "q", Receiving{Max: 10, Wait: new(time.Duration)})
		if err != nil || len(got) == 0 {
			b.Fatal(len(got), err)
		}
		for _, m := range got {
			if err := s.Delete("q", m.ReceiptHandle); err != nil {
				b.Fatal(err)
			}
		}
		done += len(got)
	}
}
