package redact_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/handlers/redact"
)

func Example() {
	type Card struct {
		Number string `json:"number" redact:"true"`
		Month  int    `json:"month"`
	}
	r := &redact.Redactor{Types: []any{Card{}}}

	e := newEvent(`{"card": {"number": "4111-1111", "month": 7}, "note": "4111-1111 was refused"}`)
	kept, scrub := r.Event(e)
	fmt.Println(string(kept.DataEncoded))
	fmt.Println(scrub(`charge "4111-1111": no such card`))
	// Output:
	// {"card": {"number": "[redacted]", "month": 7}, "note": "[redacted] was refused"}
	// charge "[redacted]": no such card
}
