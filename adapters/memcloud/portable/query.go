package portable

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/docstore/driver"
	"gocloud.dev/gcerrors"
)

// RunGetQuery reads the table in one step. The table gives its items in the
// order of their keys, which all that follows keeps among equals.
func (c *collection) RunGetQuery(ctx context.Context, q *driver.Query) (driver.DocumentIterator, error) {
	if err := before(q.BeforeQuery); err != nil {
		return nil, err
	}
	filters, err := newFilters(q.Filters)
	if err != nil {
		return nil, err
	}
	var items []memcloud.Item
	if err := c.t.Transact(ctx, "query\x00"+fmt.Sprint(q.Filters), func(x *memcloud.Tx) error {
		items = x.Items()
		return nil
	}); err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(item memcloud.Item) bool {
		return slices.ContainsFunc(filters, func(f filter) bool { return !f.holds(item) })
	})
	if q.OrderByField != "" {
		slices.SortStableFunc(items, func(a, b memcloud.Item) int {
			if !q.OrderAscending {
				a, b = b, a
			}
			return order(a[q.OrderByField], b[q.OrderByField])
		})
	}
	if q.Offset > 0 {
		items = items[min(q.Offset, len(items)):]
	}
	if q.Limit > 0 {
		items = items[:min(q.Limit, len(items))]
	}
	return &iterator{c: c, items: items, paths: q.FieldPaths}, nil
}

func (c *collection) QueryPlan(*driver.Query) (string, error) {
	return "Scan of " + c.t.Name(), nil
}

type iterator struct {
	c     *collection
	items []memcloud.Item
	paths [][]string
}

func (it *iterator) Next(ctx context.Context, doc driver.Document) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(it.items) == 0 {
		return io.EOF
	}
	item := it.items[0]
	it.items = it.items[1:]
	return it.c.decode(item, doc, it.paths)
}

func (it *iterator) Stop() { it.items = nil }

func (it *iterator) As(any) bool { return false }

// A filter is a driver.Filter with attribute values: one, or a list of them
// for "in" and "not-in".
type filter struct {
	path   []string
	op     string
	values []any
}

func newFilters(list []driver.Filter) ([]filter, error) {
	var filters []filter
	for _, f := range list {
		values := []any{f.Value}
		if f.Op == "in" || f.Op == "not-in" {
			v := reflect.ValueOf(f.Value)
			if v.Kind() != reflect.Slice {
				return nil, failure(gcerrors.InvalidArgument, "%s wants a slice, not a %T", f.Op, f.Value)
			}
			values = values[:0]
			for _, e := range v.Seq2() {
				values = append(values, e.Interface())
			}
		}
		for i, v := range values {
			var err error
			if values[i], err = encodeValue(v); err != nil {
				return nil, err
			}
		}
		filters = append(filters, filter{f.FieldPath, f.Op, values})
	}
	return filters, nil
}

// holds reports whether the item passes. As in DynamoDB, values of different
// types are neither equal nor ordered, and an attribute that is missing
// compares to nothing.
func (f filter) holds(item memcloud.Item) bool {
	v, ok := lookUp(item, f.path)
	if !ok {
		return f.op == "not-in"
	}
	is := func(want func(int) bool) bool {
		return slices.ContainsFunc(f.values, func(value any) bool {
			d, ok := compare(v, value)
			return ok && want(d)
		})
	}
	equal := func(d int) bool { return d == 0 }
	switch f.op {
	case driver.EqualOp, "in":
		return is(equal)
	case "not-in":
		return !is(equal)
	case "<":
		return is(func(d int) bool { return d < 0 })
	case "<=":
		return is(func(d int) bool { return d <= 0 })
	case ">":
		return is(func(d int) bool { return d > 0 })
	case ">=":
		return is(func(d int) bool { return d >= 0 })
	}
	return false
}

// compare compares two attribute values; ok is false when they cannot be.
func compare(a, b any) (d int, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return 0, false
		}
		x, okX := new(big.Rat).SetString(string(a))
		y, okY := new(big.Rat).SetString(string(b))
		if !okX || !okY {
			return 0, false
		}
		return x.Cmp(y), true
	case []byte:
		b, ok := b.([]byte)
		return bytes.Compare(a, b), ok
	}
	return 0, reflect.DeepEqual(a, b)
}

// order orders values of any types: the missing and NULL first, those that
// cannot be compared by their types, and false before true.
func order(a, b any) int {
	if d, ok := compare(a, b); ok {
		return d
	}
	return cmp.Or(
		-cmp.Compare(truth(a == nil), truth(b == nil)),
		strings.Compare(typeName(a), typeName(b)),
		cmp.Compare(truth(a == true), truth(b == true)),
	)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
