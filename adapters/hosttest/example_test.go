package hosttest_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/hosttest"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A host whose source has no groups of its own is told them by a function.
func ExampleGroupOf() {
	m := &eventfx.Message{}
	m.DataEncoded = []byte("g1:first") // the Body of a Message with Group g1
	fmt.Println(hosttest.GroupOf(m))
	// Output: g1
}
