// Package shop is an application whose parts call each other by events alone:
//
//	POST /orders ─ Take ─ queue Orders ─ Pack ─ bucket Parcels ─ Ship ─ the warehouse's queue
//
// What cannot be packed ends in the queue Dead, from where Keep puts it aside. Every minute Count looks
// at the bucket. The warehouse is a stack of its own, which the application imports from: see hooks.go.
package shop

import (
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// New is the application with its hooks.
func New() *ephor.App {
	app := ephor.New("Orders")
	orders, dead, parcels := app.Queue("Orders"), app.Queue("Dead"), app.Bucket("Parcels")
	orders.DeadLetters, orders.Tries = dead, 2

	take := app.Function("Take", taking(queueOf("QUEUE_ORDERS")))
	app.Post("/orders", take)
	take.Use(orders)

	pack := app.Function("Pack", packing(readCatalogue(), bucketOf("BUCKET_PARCELS")))
	app.On(ephor.Messages{Queue: orders, Partial: true}, pack)
	pack.Use(parcels)

	ship := app.Function("Ship", shipping(bucketOf("BUCKET_PARCELS"), queueOf(warehouseVariable)))
	app.On(ephor.Objects{Bucket: parcels, Prefix: packed}, ship)
	ship.Use(parcels)

	keep := app.Function("Keep", keeping(bucketOf("BUCKET_PARCELS")))
	app.On(ephor.Messages{Queue: dead}, keep)
	keep.Use(parcels)

	count := app.Function("Count", counting(bucketOf("BUCKET_PARCELS")))
	app.On(ephor.Schedule{Rate: time.Minute}, count)
	count.Use(parcels)

	// The SDK's first call looks for credentials and connects: more than Lambda's 3 s leave room for it.
	for _, f := range app.Functions() {
		f.Timeout = 5 * time.Second
	}
	app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title: "Orders",
		Panels: []dashboard.Panel{
			dashboard.Counter("orders_taken"), dashboard.Counter("orders_shipped"),
			dashboard.Histogram("order_value"), dashboard.Counter("orders_kept"),
			dashboard.Gauge("parcels"),
		},
	}}})
	addHooks(app, ship)
	return app
}
