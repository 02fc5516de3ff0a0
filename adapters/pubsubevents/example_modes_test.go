package pubsubevents_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
)

// The same event in each mode.
func ExampleEncode() {
	e := pubsubevents.JSON("image.processed", map[string]int{"width": 320})
	e.SetID("1")
	e.SetSource("/thumbnailer")
	e.SetSubject("my cat.jpg")

	for _, mode := range []pubsubevents.Mode{pubsubevents.Structured, pubsubevents.Binary, pubsubevents.Kafka} {
		m, err := pubsubevents.Encode(e, mode)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(mode)
		for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
			fmt.Printf("  %s: %s\n", key, m.Metadata[key])
		}
		fmt.Printf("  %s\n", m.Body)
	}

	// Output:
	// structured
	//   content-type: application/cloudevents+json
	//   {"specversion":"1.0","id":"1","source":"/thumbnailer","type":"image.processed","subject":"my cat.jpg","datacontenttype":"application/json","data":{"width":320}}
	// binary
	//   ce-id: 1
	//   ce-source: /thumbnailer
	//   ce-specversion: 1.0
	//   ce-subject: my%20cat.jpg
	//   ce-type: image.processed
	//   content-type: application/json
	//   {"width":320}
	// kafka
	//   ce_id: 1
	//   ce_source: /thumbnailer
	//   ce_specversion: 1.0
	//   ce_subject: my cat.jpg
	//   ce_type: image.processed
	//   content-type: application/json
	//   {"width":320}
}
