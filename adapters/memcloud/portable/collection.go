package portable

import (
	"cmp"
	"context"
	"reflect"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/docstore"
	"gocloud.dev/docstore/driver"
	"gocloud.dev/gcerrors"
)

// CollectionOptions configure a collection.
type CollectionOptions struct {
	// RevisionField is the field that holds a document's revision. "" means
	// docstore.DefaultRevisionField.
	RevisionField string
}

// Collection returns t as gocloud's portable collection; nil options mean the
// defaults. The table's items are those that gocloud's driver for DynamoDB
// would write. A document's key is the table's: its partition key, which
// Create makes up if it is missing, and its sort key if it has one.
//
// The actions of a list run one after the other, in their order, each as one
// step of the cloud; one that fails does not stop those after it. What follows
// AtomicWrites is written in one step, whole or not at all. Gets are given
// what was there before or after the writes of the list as their place in it
// says.
//
// Queries read the whole table at one instant, and give documents in the
// order of their keys, or in that of the OrderBy field and then of their keys.
//
// The collection is closed when the cloud is, if it is not by then. As gives
// a **memcloud.Table.
func Collection(t *memcloud.Table, o *CollectionOptions) *docstore.Collection {
	c := docstore.NewCollection(newCollection(t, o))
	t.Cloud().OnClose(func() { _ = c.Close() }) // it may be closed before
	return c
}

type collection struct {
	errorFace
	t               *memcloud.Table
	partition, sort string // the key's attributes
	revision        string // the field
}

func newCollection(t *memcloud.Table, o *CollectionOptions) *collection {
	if o == nil {
		o = &CollectionOptions{}
	}
	c := &collection{t: t, revision: cmp.Or(o.RevisionField, docstore.DefaultRevisionField)}
	c.partition, c.sort = t.Key()
	return c
}

func (c *collection) As(target any) bool { return as(target, c.t) }

func (c *collection) Close() error { return nil }

func (c *collection) RevisionField() string { return c.revision }

func (c *collection) RevisionToBytes(revision any) ([]byte, error) {
	s, ok := revision.(string)
	if !ok {
		return nil, failure(gcerrors.InvalidArgument, "a revision is a string, not a %T", revision)
	}
	return []byte(s), nil
}

func (c *collection) BytesToRevision(b []byte) (any, error) { return string(b), nil }

// Key returns the values of the document's key; nil if it has no partition
// key.
func (c *collection) Key(doc driver.Document) (any, error) {
	var key [2]any
	for i, field := range []string{c.partition, c.sort} {
		if field == "" {
			continue
		}
		v, err := doc.GetField(field)
		if err != nil || v == nil || driver.IsEmptyValue(reflect.ValueOf(v)) {
			if i == 0 {
				return nil, nil
			}
			continue // named by the action
		}
		if b, ok := v.([]byte); ok {
			v = binaryKey(b)
		}
		if !reflect.TypeOf(v).Comparable() {
			return nil, failure(gcerrors.InvalidArgument, "a %T is no key", v)
		}
		key[i] = v
	}
	return key, nil
}

// binaryKey is a comparable B.
type binaryKey string

// RunActions runs the actions in order. All atomic writes are one step, which
// stands where the first of them does; a get after one of them that wrote its
// document comes after the step.
func (c *collection) RunActions(ctx context.Context, actions []*driver.Action, o *driver.RunActionsOptions) driver.ActionListError {
	errs := make([]error, len(actions))
	var atomic, later []*driver.Action
	written := map[any]bool{}
	for _, a := range actions {
		switch {
		case a.InAtomicWrite && a.Kind != driver.Get:
			atomic = append(atomic, a)
			if a.Key != nil {
				written[a.Key] = true
			}
		case a.Kind == driver.Get && written[a.Key]:
			later = append(later, a)
		default:
			errs[a.Index] = c.run(ctx, o, a)
		}
	}
	if len(atomic) > 0 {
		err := c.run(ctx, o, atomic...)
		for _, a := range atomic {
			errs[a.Index] = err
		}
	}
	for _, a := range later {
		errs[a.Index] = c.run(ctx, o, a)
	}
	return driver.NewActionListError(errs)
}

// maxTransaction is how many writes DynamoDB takes in one transaction.
const maxTransaction = 100

// run runs actions in one step: a get, or one write or more.
func (c *collection) run(ctx context.Context, o *driver.RunActionsOptions, actions ...*driver.Action) error {
	if err := before(o.BeforeDo); err != nil {
		return err
	}
	if actions[0].Kind == driver.Get {
		return c.get(ctx, actions[0])
	}
	if len(actions) > maxTransaction {
		return failure(gcerrors.InvalidArgument, "%d writes in one transaction: DynamoDB takes at most %d", len(actions), maxTransaction)
	}
	writes, content := make([]*write, len(actions)), "write\x00"
	for i, a := range actions {
		w, err := c.newWrite(a)
		if err != nil {
			return err
		}
		writes[i] = w
		content += w.String() + "\x00"
	}
	err := c.t.Transact(ctx, content, func(x *memcloud.Tx) error {
		for _, w := range writes {
			if err := w.do(x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range writes {
		if err := w.tell(); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) get(ctx context.Context, a *driver.Action) error {
	key, err := c.key(a.Doc)
	if err != nil {
		return err
	}
	item, err := c.t.GetItem(ctx, key)
	if err != nil {
		return err
	}
	if item == nil {
		return failure(gcerrors.NotFound, "there is no document %v in %s", key, c.t.Name())
	}
	return c.decode(item, a.Doc, a.FieldPaths)
}

// key encodes the key of a document.
func (c *collection) key(doc driver.Document) (memcloud.Item, error) {
	key := memcloud.Item{}
	for _, field := range []string{c.partition, c.sort} {
		if field == "" {
			continue
		}
		v, err := doc.GetField(field)
		if err != nil {
			return nil, c.missingKey(field)
		}
		if key[field], err = encodeValue(v); err != nil {
			return nil, err
		}
		if key[field] == nil {
			return nil, c.missingKey(field)
		}
	}
	return key, nil
}

func (c *collection) missingKey(field string) error {
	return failure(gcerrors.InvalidArgument, "the document lacks the key %q of table %s", field, c.t.Name())
}

// decode reads an item, or some of its fields and its key, into a document.
func (c *collection) decode(item memcloud.Item, doc driver.Document, paths [][]string) error {
	if len(paths) == 0 {
		return doc.Decode(decoder{item})
	}
	part := memcloud.Item{c.partition: item[c.partition]}
	if c.sort != "" {
		part[c.sort] = item[c.sort]
	}
	for _, path := range paths {
		if v, ok := lookUp(item, path); ok {
			place(part, path, v)
		}
	}
	return doc.Decode(decoder{part})
}

// lookUp returns what the item has at the path.
func lookUp(item memcloud.Item, path []string) (any, bool) {
	var v any = item
	for _, name := range path {
		m, ok := v.(memcloud.Item)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// place puts v into the item at the path, making maps on the way. No path is
// the beginning of another.
func place(item memcloud.Item, path []string, v any) {
	for ; len(path) > 1; path = path[1:] {
		next, ok := item[path[0]].(memcloud.Item)
		if !ok {
			next = memcloud.Item{}
			item[path[0]] = next
		}
		item = next
	}
	item[path[0]] = v
}
