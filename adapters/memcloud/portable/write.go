package portable

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/docstore/driver"
	"gocloud.dev/gcerrors"
)

// A write is an action that writes, ready to be done in a step of the cloud.
// The user's document is read before and written after the step, in the
// goroutine of its owner.
type write struct {
	c      *collection
	action *driver.Action
	item   memcloud.Item // the document; to update or delete, its key
	mods   []mod
	want   string // the revision that the document must have; "" for any
	stamp  bool   // it gets a new revision

	partition, revision string // made by the step
}

type mod struct {
	path  []string
	value any // nil removes the attribute
	add   bool
}

func (c *collection) newWrite(a *driver.Action) (w *write, err error) {
	w = &write{c: c, action: a, stamp: a.Kind != driver.Delete && a.Doc.HasField(c.revision)}
	if a.Kind == driver.Update || a.Kind == driver.Delete {
		w.item, err = c.key(a.Doc)
	} else {
		w.item, err = c.document(a)
	}
	if err != nil {
		return nil, err
	}
	if a.Kind != driver.Create {
		if w.want, err = c.wanted(a.Doc); err != nil {
			return nil, err
		}
	}
	for _, m := range a.Mods {
		if m.FieldPath[0] == c.partition || m.FieldPath[0] == c.sort {
			return nil, failure(gcerrors.InvalidArgument, "Cannot update attribute %s. This attribute is part of the key", m.FieldPath[0])
		}
		change := mod{path: m.FieldPath}
		v := m.Value
		if inc, ok := v.(driver.IncOp); ok {
			change.add, v = true, inc.Amount
		}
		if v != nil {
			if change.value, err = encodeValue(v); err != nil {
				return nil, err
			}
		}
		w.mods = append(w.mods, change)
	}
	return w, nil
}

// document encodes a document that is written whole.
func (c *collection) document(a *driver.Action) (memcloud.Item, error) {
	item, err := encodeDocument(a.Doc)
	if err != nil {
		return nil, err
	}
	if item[c.partition] == nil && a.Kind != driver.Create {
		return nil, c.missingKey(c.partition)
	}
	if c.sort != "" && item[c.sort] == nil {
		return nil, c.missingKey(c.sort)
	}
	return item, nil
}

// wanted returns the revision that the user's document has, or "".
func (c *collection) wanted(doc driver.Document) (string, error) {
	v, err := doc.GetField(c.revision)
	if err != nil || v == nil {
		return "", nil //nolint:nilerr // a document without the field has no revision
	}
	revision, ok := v.(string)
	if !ok {
		return "", failure(gcerrors.InvalidArgument, "%s is a %T: a revision is a string", c.revision, v)
	}
	return revision, nil
}

// do does the write in a step of the cloud.
func (w *write) do(x *memcloud.Tx) error {
	c, kind := w.c, w.action.Kind
	item := w.item
	if item[c.partition] == nil {
		w.partition = x.NewID()
		item[c.partition] = w.partition
	}
	old, err := x.Get(item)
	if err != nil {
		return err
	}
	if err := w.check(old); err != nil {
		return err
	}
	if kind == driver.Delete {
		_, err := x.Delete(item)
		return err
	}
	if kind == driver.Update {
		item = old
		for _, m := range w.mods {
			if err := m.apply(item); err != nil {
				return err
			}
		}
	}
	if w.stamp {
		w.revision = x.NewID()
		item[c.revision] = w.revision
	}
	return x.Put(item)
}

// check says whether the write may be done to the item that is there.
func (w *write) check(old memcloud.Item) error {
	c, kind := w.c, w.action.Kind
	switch {
	case kind == driver.Create && old != nil:
		return failure(gcerrors.AlreadyExists, "there is a document %v in %s already", w.key(), c.t.Name())
	case w.want != "" && (old == nil || old[c.revision] != w.want):
		return failure(gcerrors.FailedPrecondition, "the document %v in %s has not the revision %s, but %v", w.key(), c.t.Name(), w.want, old[c.revision])
	case old == nil && (kind == driver.Replace || kind == driver.Update):
		return failure(gcerrors.NotFound, "there is no document %v in %s", w.key(), c.t.Name())
	}
	return nil
}

// key names the document in errors.
func (w *write) key() any {
	if w.c.sort == "" {
		return w.item[w.c.partition]
	}
	return []any{w.item[w.c.partition], w.item[w.c.sort]}
}

// tell writes what the step made into the user's document.
func (w *write) tell() error {
	if w.partition != "" {
		if err := w.action.Doc.SetField(w.c.partition, w.partition); err != nil {
			return err
		}
	}
	if w.revision != "" {
		return w.action.Doc.SetField(w.c.revision, w.revision)
	}
	return nil
}

// apply makes the change in the item.
func (m mod) apply(item memcloud.Item) error {
	for i, name := range m.path[:len(m.path)-1] {
		inner, ok := item[name].(memcloud.Item)
		if !ok {
			return failure(gcerrors.InvalidArgument, "The document path provided in the update expression is invalid for update: there is no map at %s",
				strings.Join(m.path[:i+1], "."))
		}
		item = inner
	}
	name := m.path[len(m.path)-1]
	switch {
	case m.add:
		sum, err := add(item[name], m.value)
		if err != nil {
			return failure(gcerrors.InvalidArgument, "cannot increment %s: %v", strings.Join(m.path, "."), err)
		}
		item[name] = sum
	case m.value == nil:
		delete(item, name)
	default:
		item[name] = m.value
	}
	return nil
}

// add adds two numbers without loss; a missing one counts as 0.
func add(old, amount any) (any, error) {
	if old == nil {
		return amount, nil
	}
	x, ok := old.(json.Number)
	if !ok {
		return nil, failure(gcerrors.InvalidArgument, "it is %s, not a number", typeName(old))
	}
	y := amount.(json.Number) // gocloud lets through nothing else
	a, okA := new(big.Rat).SetString(string(x))
	b, okB := new(big.Rat).SetString(string(y))
	if !okA || !okB {
		return nil, failure(gcerrors.InvalidArgument, "%s and %s are not both numbers", x, y)
	}
	return json.Number(a.Add(a, b).FloatString(max(decimals(x), decimals(y)))), nil
}

// decimals returns the number of digits after the point: nobody here writes
// exponents.
func decimals(n json.Number) int {
	_, fraction, _ := strings.Cut(string(n), ".")
	return len(fraction)
}

// String describes the write, for the order of simultaneous ones.
func (w *write) String() string { return fmt.Sprint(w.action.Kind, w.item, w.mods) }
