// Orders is a shop whose parts call each other by events alone: package shop has all of it, so that
// tests can have it, too.
//
//	go run ./examples/orders up
//	curl -d '{"item": "book", "copies": 2}' http://127.0.0.1:8080/orders
package main

import (
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/examples/orders/shop"
)

func main() { cli.Main(shop.New()) }
