// Package schema checks the data of events before a handler sees it. What is
// not valid is a permanent failure that names each field by a JSON pointer: the
// sender can be told what to mend, and no attempt is wasted.
//
// # JSON Schema
//
// A schema is compiled once and is then middleware for a route:
//
//	//go:embed order.schema.json
//	var document []byte
//
//	order, err := schema.Compile(document, nil)
//	...
//	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship, eventfx.Middleware(order.Wrap))
//
// Drafts 4, 6, 7, 2019-09 and 2020-12 are known; a document without $schema is
// of the last. "format" is checked in all of them. Nothing is loaded while a
// schema is compiled, from the network or from files: what a $ref names must be
// given to Compile.
//
// A schema reads names as they are written. encoding/json takes "TOTAL" for a
// field total, too: let the schema say "additionalProperties": false where that
// matters.
//
// # Validate methods
//
// Data that knows by itself whether it is valid needs no schema:
//
//	func (o Order) Validate() error {
//		if o.Total <= 0 {
//			return schema.Field{Pointer: "/total", Reason: "must be positive"}
//		}
//		return nil
//	}
//
//	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, schema.Valid(ship))
//
// # What errors show
//
// An [Error] ends in logs and dead letters. It names fields, says what the
// schema wants of them and repeats numbers, and never text of the data but the
// names of its members. What a Validate method says is passed on as it is.
package schema
