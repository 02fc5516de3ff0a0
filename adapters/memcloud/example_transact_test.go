package memcloud_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A conditional write: the name is taken once.
func ExampleTable_Transact() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	names := cloud.Table("names", &memcloud.TableOptions{Key: "name"})

	take := func(name, owner string) error {
		return names.Transact(context.Background(), "take "+name, func(x *memcloud.Tx) error {
			item := memcloud.Item{"name": name, "owner": owner}
			if taken, err := x.Get(item); err != nil || taken != nil {
				return errors.Join(err, fmt.Errorf("%s belongs to %v", name, taken["owner"]))
			}
			return x.Put(item)
		})
	}
	fmt.Println(take("gopher", "ann"))
	fmt.Println(take("gopher", "bob"))
	// Output:
	// <nil>
	// gopher belongs to ann
}
