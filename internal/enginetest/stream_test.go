package enginetest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"gocloud.dev/docstore"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var streamScripts = []script{
	{"stream", stream},
	{"streamvalues", streamValues},
	{"streamviews", streamViews},
	{"streamdocs", streamDocuments},
}

// image writes an image, "none" where there is none. The revision that
// gocloud writes is taken out.
func image(item memcloud.Item) string {
	if item == nil {
		return "none"
	}
	bare := memcloud.Item{}
	for name, v := range item {
		if name != docstore.DefaultRevisionField {
			bare[name] = v
		}
	}
	return Item(bare)
}

// watch returns a function that notes the records that came since it was
// called last.
func watch(r *Run, table Table) func(step string) {
	seen := 0
	return func(step string) {
		r.t.Helper()
		changes, err := table.Changes(r.ctx)
		r.Must(err)
		changes = changes[seen:]
		seen += len(changes)
		var names, keys, images []string
		for _, c := range changes {
			names, keys = append(names, c.Name), append(keys, image(c.Keys))
			images = append(images, fmt.Sprintf("new %s, old %s", image(c.New), image(c.Old)))
		}
		r.See(step, strings.Join(names, " "))
		r.See(step+": keys", strings.Join(keys, " "))
		r.See(step+": images", strings.Join(images, "; "))
	}
}

func stream(r *Run) {
	table := r.Table("rows", &memcloud.TableOptions{Key: "id", Sort: "n", SortType: "N", Stream: memcloud.NewAndOldImages})
	see := watch(r, table)
	see("at first")
	key := memcloud.Item{"id": "a", "n": json.Number("1")}
	item := func(v string) memcloud.Item {
		return memcloud.Item{"id": "a", "n": json.Number("1"), "v": v}
	}
	r.Must(table.PutItem(r.ctx, item("one")))
	see("insert")
	r.Must(table.PutItem(r.ctx, item("two")))
	see("modify")
	r.Must(table.PutItem(r.ctx, item("two")))
	see("a write that changes nothing")
	r.Must(table.DeleteItem(r.ctx, key))
	see("remove")
	r.Must(table.DeleteItem(r.ctx, key))
	see("remove what is not there")
	r.Must(table.PutItem(r.ctx, item("three")))
	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "a", "n": json.Number("2")}))
	r.Must(table.DeleteItem(r.ctx, key))
	see("three at once")

	changes, err := table.Changes(r.ctx)
	r.Must(err)
	ids, numbers, rising := map[string]bool{}, new(big.Int), true
	sizes, created := true, true
	for _, c := range changes {
		ids[c.ID] = true
		n, ok := new(big.Int).SetString(c.Sequence, 10)
		rising = rising && ok && n.Cmp(numbers) > 0
		if ok {
			numbers = n
		}
		sizes, created = sizes && c.Size > 0, created && c.Created
	}
	r.See("each has an id of its own", len(ids) == len(changes))
	r.See("sequence numbers rise", rising)
	r.See("each says when it was made", created)
	r.See("each says how big it is", sizes)
	r.See("view", changes[0].View)
	r.See("region", changes[0].Region)
}

func streamValues(r *Run) {
	table := r.Table("rows", &memcloud.TableOptions{Stream: memcloud.NewAndOldImages})
	see := watch(r, table)
	r.Must(table.PutItem(r.ctx, memcloud.Item{
		"id": "a", "s": "x", "empty": "", "n": json.Number("1.5"), "b": []byte{0, 255}, "t": true, "nothing": nil,
		"l": []any{"a", json.Number("1"), []any{}}, "m": memcloud.Item{"k": memcloud.Item{}},
		"ss": memcloud.StringSet{"b", "a"}, "ns": memcloud.NumberSet{"1", "2"},
	}))
	see("all types")
	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "b", "ss": memcloud.StringSet{"a", "b"}}))
	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "b", "ss": memcloud.StringSet{"b", "a"}}))
	see("a set in another order")
}

func streamViews(r *Run) {
	for _, view := range []memcloud.StreamView{memcloud.KeysOnly, memcloud.NewImage, memcloud.OldImage} {
		table := r.Table(string(view), &memcloud.TableOptions{Stream: view})
		see := watch(r, table)
		r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "a", "v": "1"}))
		r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "a", "v": "2"}))
		r.Must(table.DeleteItem(r.ctx, memcloud.Item{"id": "a"}))
		see(string(view))
		changes, err := table.Changes(r.ctx)
		r.Must(err)
		r.See(string(view)+": view", changes[0].View)
	}
}

// streamDocuments is what gocloud's writes leave in a stream.
func streamDocuments(r *Run) {
	table := r.Table("rows", &memcloud.TableOptions{Stream: memcloud.NewAndOldImages})
	c := table.Collection()
	defer c.Close()
	see := watch(r, table)
	r.Must(c.Create(r.ctx, doc{"id": "a", "n": 1, "m": doc{"x": 1.5}, "t": []string{"b", "a"}}))
	see("create")
	r.SeeCode("create again", c.Create(r.ctx, doc{"id": "a"}))
	see("nothing created")
	r.Must(c.Update(r.ctx, doc{"id": "a"}, docstore.Mods{"m.x": nil, "n": docstore.Increment(2)}))
	see("update")
	r.Must(c.Replace(r.ctx, doc{"id": "a", "n": 5}))
	see("replace")
	r.See("a group fails", c.Actions().AtomicWrites().Put(doc{"id": "b"}).Create(doc{"id": "a"}).Do(r.ctx) != nil)
	see("a group that fails")
	r.Must(c.Actions().AtomicWrites().Put(doc{"id": "b", "n": 1}).Delete(doc{"id": "a"}).Do(r.ctx))
	see("a group")
}
