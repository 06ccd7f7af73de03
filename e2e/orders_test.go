package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ephor-io/ephor/internal/awstest"
	"github.com/ephor-io/ephor/internal/uptest"
)

// An order goes through all parts of the example, one that nobody can pack ends among what is kept, and
// the schedule counts.
func TestOrders(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "orders")
	c := exec.Command("go", "build", "-tags", "ephor_host", "-o", program, "./examples/orders")
	c.Dir = uptest.Root(t)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	a := up(t, uptest.Root(t), program, filepath.Join(t.TempDir(), "state"))
	says := func(what string) {
		t.Helper()
		uptest.Eventually(t, what, func() bool { return strings.Contains(a.Stderr.String(), what) })
	}
	post := func(order string) (id string) {
		t.Helper()
		r, err := http.Post(a.API+"/orders", "application/json", strings.NewReader(order))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var answer struct{ ID string }
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %s, %v", order, r.Status, err)
		}
		return answer.ID
	}
	says("Orders-Count | ") // a rate calls at once
	unicorn := post(`{"item": "unicorn", "copies": 1}`)
	book := post(`{"item": "book", "copies": 2}`)
	says("shipped 2 book of order " + book)

	account, queues := newAccount(t, a), sqs.NewFromConfig(awstest.Config(a.Endpoint))
	_, _, outputs := account.describe("Orders")
	key := "packed/" + book + ".json"
	object, err := account.objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(outputs["ParcelsBucket"]), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	var parcel struct{ Cents int }
	if err := json.NewDecoder(object.Body).Decode(&parcel); err != nil || parcel.Cents != 2580 {
		t.Errorf("the parcel: %+v, %v", parcel, err)
	}
	_, _, warehouse := account.describe("Orders-Warehouse")
	note, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(warehouse["QueueUrl"]), WaitTimeSeconds: 20})
	if err != nil || len(note.Messages) != 1 || !strings.Contains(*note.Messages[0].Body, book) {
		t.Errorf("the warehouse got %+v, %v", note, err)
	}
	// The queue gives an order to Pack twice, half a minute apart.
	uptest.Within(t, 3*time.Minute, "the order that nobody can pack is kept", func() bool {
		return strings.Contains(a.Stderr.String(), "kept {\"id\":\""+unicorn)
	})
	for _, counter := range []string{"orders_taken", "orders_shipped", "orders_kept"} {
		want := map[string]int{"orders_taken": 2}[counter]
		uptest.Eventually(t, counter, func() bool { return a.count(`SELECT sum("count") FROM "`+counter+`"`) == max(want, 1) })
	}
	uptest.Eventually(t, "the gauge", func() bool { return a.count(`SELECT last("value") FROM "parcels"`) == 1 })
}
