package memcloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Table is a DynamoDB table.
//
// Put, Get, Delete and Items are for the test itself. The methods with a
// context are for code under test and drivers: give them the handler's
// context.
type Table struct {
	cloud *Cloud
	name  string
	keys  []keyAttribute // the partition key, then the sort key if there is one
	rows  map[string]*row

	ttl    string  // "": none
	stream *stream // the latest; nil: there was never one
}

// TableOptions configure a table.
type TableOptions struct {
	// Key and Sort name the attributes of the primary key. Key is "id" if
	// empty; an empty Sort means that there is no sort key.
	Key, Sort string

	// KeyType and SortType are "S", "N" or "B". "" means "S".
	KeyType, SortType string

	// Stream is the view type of the table's stream. "" means that there is
	// none until a function is triggered, and NewAndOldImages then.
	Stream StreamView

	// TTL names the attribute with an item's time to live: a number, seconds
	// since 1970. An item is deleted at that second; AWS takes up to a few
	// days. Items whose attribute is no such number, or is more than 5 years
	// past, stay, as on AWS. "" means that items live for ever.
	TTL string
}

// A StreamView says which images the records of a stream carry.
type StreamView string

// The view types of DynamoDB streams.
const (
	KeysOnly        StreamView = "KEYS_ONLY"
	NewImage        StreamView = "NEW_IMAGE"
	OldImage        StreamView = "OLD_IMAGE"
	NewAndOldImages StreamView = "NEW_AND_OLD_IMAGES"
)

type keyAttribute struct{ name, kind string }

// row is an item with its key. The item is never changed, only replaced, so
// that a stream's images need no copies.
type row struct {
	item, key Item
	expiry    *event
}

// Table makes a table. nil options mean the defaults.
func (c *Cloud) Table(name string, o *TableOptions) *Table {
	if o == nil {
		o = &TableOptions{}
	}
	t := &Table{cloud: c, name: name, rows: map[string]*row{}, ttl: o.TTL}
	t.keys = []keyAttribute{{cmp.Or(o.Key, "id"), cmp.Or(o.KeyType, "S")}}
	if o.Sort != "" {
		t.keys = append(t.keys, keyAttribute{o.Sort, cmp.Or(o.SortType, "S")})
	}
	c.wire(func() error {
		for _, k := range t.keys {
			if k.kind != "S" && k.kind != "N" && k.kind != "B" {
				return t.invalid("the type of key %s is %q: must be S, N or B", k.name, k.kind)
			}
		}
		if err := register(c.tables, "table", name, t); err != nil || o.Stream == "" {
			return err
		}
		return t.enableStream(o.Stream)
	})
	return t
}

// Name returns the name that was given.
func (t *Table) Name() string { return t.name }

// ARN returns the table's ARN.
func (t *Table) ARN() string {
	return "arn:aws:dynamodb:" + Region + ":" + Account + ":table/" + t.name
}

// Put writes an item. See Item for the values that it may have; Go's numbers
// and plain maps are taken, too.
func (t *Table) Put(item Item) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.PutItem(own, item))
}

// Get returns the item with the key, and whether there is one: the value of
// the partition key, then that of the sort key.
func (t *Table) Get(key ...any) (Item, bool) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	var found *row
	k, err := t.keyOf(key)
	if t.cloud.misuse(err); err == nil {
		t.cloud.look(func() { found = t.rows[k] })
	}
	if found == nil {
		return nil, false
	}
	return cloneItem(found.item), true
}

// Delete deletes the item with the key, as Get takes it.
func (t *Table) Delete(key ...any) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.remove(key, false))
}

// Expire deletes the item with the key as time to live does: its record in
// the stream has the service's identity.
func (t *Table) Expire(key ...any) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.remove(key, true))
}

func (t *Table) remove(key []any, expired bool) error {
	item, err := t.keyItem(key)
	if err != nil {
		return err
	}
	return t.Transact(own, "", func(x *Tx) error {
		x.expired = expired
		_, err := x.Delete(item)
		return err
	})
}

// Items returns all items, by partition key and then by sort key.
func (t *Table) Items() []Item {
	var items []Item
	t.cloud.look(func() {
		for _, r := range sortedRows(t, t.rows) {
			items = append(items, cloneItem(r.item))
		}
	})
	return items
}

// PutItem writes an item in place of the one with its key.
func (t *Table) PutItem(ctx context.Context, item Item) error {
	normal, err := t.check(item)
	if err != nil {
		return err
	}
	content := "put\x00" + string(awspayload.AppendItem(nil, normal))
	return t.Transact(ctx, content, func(x *Tx) error {
		x.set(t.rowKey(normal), normal)
		return nil
	})
}

// GetItem returns the item with the key, or nil.
func (t *Table) GetItem(ctx context.Context, key Item) (item Item, err error) {
	err = t.Transact(ctx, "get\x00"+fmt.Sprint(key), func(x *Tx) error {
		item, err = x.Get(key)
		return err
	})
	return item, err
}

// DeleteItem deletes the item with the key, if there is one.
func (t *Table) DeleteItem(ctx context.Context, key Item) error {
	return t.Transact(ctx, "delete\x00"+fmt.Sprint(key), func(x *Tx) error {
		_, err := x.Delete(key)
		return err
	})
}

// Transact runs f in one step of the cloud: nothing else happens meanwhile,
// and when f returns an error nothing has happened at all. So a conditional
// write is a Get, a look and a Put, and an atomic group is several of them.
// f must not call the cloud, except by the Tx, nor wait for anything.
//
// content describes what f is going to do. It puts the transactions of
// goroutines that a handler started into an order that does not depend on
// luck; it may be empty.
func (t *Table) Transact(ctx context.Context, content string, f func(*Tx) error) error {
	var crash any
	err := t.cloud.do(ctx, "table\x00"+t.name+"\x00"+content, func() (err error) {
		defer func() {
			if crash = recover(); crash != nil {
				err = errCrash
			}
		}()
		x := &Tx{table: t, changed: map[string]Item{}}
		if err := f(x); err != nil {
			return err
		}
		x.commit()
		return nil
	})
	if crash != nil {
		panic(crash) // in the caller's goroutine, where it belongs
	}
	return err
}

var errCrash = errors.New("memcloud: a transaction panicked")

// A Tx is a view of a table inside Transact.
type Tx struct {
	table   *Table
	changed map[string]Item // nil: deleted
	order   []string
	expired bool
}

// Get returns the item with the key, or nil. Attributes of key that are not
// part of the primary key are ignored.
func (x *Tx) Get(key Item) (Item, error) {
	k, err := x.table.normalKey(key)
	if err != nil {
		return nil, err
	}
	return cloneItem(x.get(x.table.rowKey(k))), nil
}

// Put writes an item in place of the one with its key.
func (x *Tx) Put(item Item) error {
	normal, err := x.table.check(item)
	if err == nil {
		x.set(x.table.rowKey(normal), normal)
	}
	return err
}

// Delete deletes the item with the key and reports whether there was one.
func (x *Tx) Delete(key Item) (existed bool, err error) {
	k, err := x.table.normalKey(key)
	if err != nil {
		return false, err
	}
	id := x.table.rowKey(k)
	existed = x.get(id) != nil
	x.set(id, nil)
	return existed, nil
}

// Items returns all items, by partition key and then by sort key.
func (x *Tx) Items() []Item {
	rows := make(map[string]*row, len(x.table.rows))
	for id, r := range x.table.rows {
		rows[id] = r
	}
	for _, id := range x.order {
		if item := x.changed[id]; item == nil {
			delete(rows, id)
		} else {
			rows[id] = &row{item: item, key: x.table.keyPart(item)}
		}
	}
	var items []Item
	for _, r := range sortedRows(x.table, rows) {
		items = append(items, cloneItem(r.item))
	}
	return items
}

func (x *Tx) get(id string) Item {
	if item, ok := x.changed[id]; ok {
		return item
	}
	if r := x.table.rows[id]; r != nil {
		return r.item
	}
	return nil
}

func (x *Tx) set(id string, item Item) {
	if _, ok := x.changed[id]; !ok {
		x.order = append(x.order, id)
	}
	x.changed[id] = item
}

// commit makes the changes, each with its record. A write that changes
// nothing has none.
func (x *Tx) commit() {
	t := x.table
	for _, id := range x.order {
		var old Item
		if r := t.rows[id]; r != nil {
			old = r.item
		}
		item := x.changed[id]
		if reflect.DeepEqual(old, item) {
			continue
		}
		t.replace(id, old, item, x.expired)
		if t.stream != nil && t.stream.enabled {
			t.stream.append(old, item, x.expired)
		}
	}
	if t.stream != nil {
		t.stream.poke()
	}
}

// replace puts an item into the place of the old one; nil: there is none.
func (t *Table) replace(id string, old, item Item, expired bool) {
	if r := t.rows[id]; r != nil {
		t.cloud.remove(r.expiry)
	}
	if item == nil {
		text := ""
		if expired {
			text = "by time to live"
		}
		t.cloud.note(t.name, "delete", entity{name: t.describe(old)}, text)
		delete(t.rows, id)
		return
	}
	action := "insert"
	if old != nil {
		action = "update"
	}
	t.cloud.note(t.name, action, entity{name: t.describe(item)}, string(awspayload.AppendItem(nil, item)))
	t.rows[id] = &row{item: item, key: t.keyPart(item), expiry: t.expireAt(id, item)}
}

// sortedRows orders rows by their keys.
func sortedRows(t *Table, rows map[string]*row) []*row {
	list := make([]*row, 0, len(rows))
	for _, r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *row) int {
		for _, k := range t.keys {
			if d := compareKeys(a.key[k.name], b.key[k.name]); d != 0 {
				return d
			}
		}
		return 0
	})
	return list
}
