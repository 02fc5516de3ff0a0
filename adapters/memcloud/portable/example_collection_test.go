package portable_test

import (
	"context"
	"fmt"
	"log"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"
)

// An atomic group is written whole or not at all: the second booking finds a
// seat taken, and leaves no trace.
func ExampleCollection() {
	type seat struct {
		Flight, Seat, Name string
	}
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	table := cloud.Table("seats", &memcloud.TableOptions{Key: "Flight", Sort: "Seat"})
	seats := portable.Collection(table, nil)

	book := func(name string, places ...string) error {
		group := seats.Actions().AtomicWrites()
		for _, place := range places {
			group.Create(&seat{Flight: "LH 400", Seat: place, Name: name})
		}
		return group.Do(context.Background())
	}
	if err := book("Ada", "12A", "12B"); err != nil {
		log.Fatal(err)
	}
	err := book("Bob", "12C", "12B").(docstore.ActionListError)[0].Err
	fmt.Println(gcerrors.Code(err))
	for _, item := range table.Items() {
		fmt.Println(item["Seat"], item["Name"])
	}
	// Output:
	// AlreadyExists
	// 12A Ada
	// 12B Ada
}
