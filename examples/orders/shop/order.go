package shop

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// warehouseVariable is where a function finds the URL of the warehouse's queue.
const warehouseVariable = "WAREHOUSE_QUEUE"

// Where parcels lie in the bucket, and what could not be packed.
const packed, kept = "packed/", "kept/"

// order is what somebody wants.
type order struct {
	ID     string `json:"id"`
	Item   string `json:"item"`
	Copies int    `json:"copies"`
}

func (o order) validate() error {
	switch {
	case o.Item == "":
		return errors.New("an order names its item")
	case o.Copies < 1 || o.Copies > 100:
		return fmt.Errorf("copies: %d; it may be 1 to 100", o.Copies)
	}
	return nil
}

// parcel is an order that was packed.
type parcel struct {
	order
	Cents int `json:"cents"`
}

// key is the same however often an order comes: SQS and S3 deliver at least once.
func (o order) key(folder string) string { return folder + o.ID + ".json" }

// catalogue tells prices in cents, by item.
type catalogue func() (map[string]int, error)

const catalogueFile = "catalogue.json"

// readCatalogue reads, once, the catalogue that the hook Archive has put beside the executable.
func readCatalogue() catalogue {
	return sync.OnceValues(func() (prices map[string]int, err error) {
		data, err := os.ReadFile(filepath.Join(os.Getenv("LAMBDA_TASK_ROOT"), catalogueFile))
		if err == nil {
			err = json.Unmarshal(data, &prices)
		}
		return prices, err
	})
}
