package object_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx/object"
)

// What was made of an object is kept with the order of the change that it was
// made of. Repeated and late events then do no harm.
func ExampleChange_Order() {
	changes := []object.Change{
		{Service: "s3", Bucket: "uploads", Key: "a.jpg", ETag: "one", Sequencer: "0055AED6DCD90281E5"},
		{Service: "s3", Bucket: "uploads", Key: "a.jpg", ETag: "three", Sequencer: "0055AED6DCD90281F1"},
		{Service: "s3", Bucket: "uploads", Key: "a.jpg", ETag: "two", Sequencer: "0055AED6DCD90281EA"},
		{Service: "s3", Bucket: "uploads", Key: "a.jpg", ETag: "three", Sequencer: "0055AED6DCD90281F1"},
	}
	kept := "" // in a row of a table, say
	for _, c := range changes {
		if c.Order() <= kept {
			fmt.Println("skip", c.ETag)
			continue
		}
		kept = c.Order()
		fmt.Println("take", c.ETag)
	}
	// Output:
	// take one
	// take three
	// skip two
	// skip three
}
