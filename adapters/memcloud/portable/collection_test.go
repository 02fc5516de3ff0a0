package portable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"
)

type doc = map[string]any

type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "L%d", int(l)), nil }

func (l *level) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "L%d", (*int)(l))
	return err
}

func TestItems(t *testing.T) {
	// Rule D2.5: attribute values have DynamoDB's types.
	// Rule D2.6: numbers keep all their digits.
	type inner struct{ A int }
	type record struct {
		ID     string `docstore:"id"`
		Bool   bool
		Int    int64
		Uint   uint64
		Float  float64
		Text   string
		Empty  string
		Bytes  []byte
		Time   time.Time
		Level  level
		List   []string
		Array  [2]int
		Nested inner
		Map    map[string]int
		Nil    *inner
		Left   string `docstore:",omitempty"`
		Hidden int    `docstore:"-"`
	}
	written := record{
		ID: "1", Bool: true, Int: -9007199254740993, Uint: 18446744073709551615, Float: 0.1, Text: "ü", Bytes: []byte{0, 255},
		Time: time.Date(2026, 5, 4, 3, 2, 1, 100, time.FixedZone("", 3600)), Level: 7, List: []string{"a", "a"},
		Array: [2]int{1, 2}, Nested: inner{3}, Map: map[string]int{"x": 4},
	}
	synctest.Test(t, func(t *testing.T) {
		table := memcloud.New(t).Table("records", nil)
		records := portable.Collection(table, nil)
		must(t, records.Put(t.Context(), &written))
		want := memcloud.Item{
			"id": "1", "Bool": true, "Int": json.Number("-9007199254740993"), "Uint": json.Number("18446744073709551615"),
			"Float": json.Number("0.1"), "Text": "ü", "Empty": nil, "Bytes": []byte{0, 255},
			"Time": "2026-05-04T03:02:01.0000001+01:00", "Level": "L7", "List": []any{"a", "a"},
			"Array": []any{json.Number("1"), json.Number("2")}, "Nested": memcloud.Item{"A": json.Number("3")},
			"Map": memcloud.Item{"x": json.Number("4")}, "Nil": nil,
		}
		item, _ := table.Get("1")
		if diff := cmp.Diff(want, item); diff != "" {
			t.Errorf("the item: %s", diff)
		}
		read := record{ID: "1"}
		must(t, records.Get(t.Context(), &read))
		if diff := cmp.Diff(written, read); diff != "" {
			t.Errorf("read into a struct: %s", diff)
		}
		blind := doc{"id": "1"}
		must(t, records.Get(t.Context(), blind, "Int", "Uint", "Float", "Empty", "Bytes", "Nested.A", "Missing"))
		if diff := cmp.Diff(doc{
			"id": "1", "Int": int64(-9007199254740993), "Uint": uint64(18446744073709551615), "Float": 0.1,
			"Empty": nil, "Bytes": []byte{0, 255}, "Nested": doc{"A": int64(3)},
		}, blind); diff != "" {
			t.Errorf("read into a map: %s", diff)
		}
	})
}

func TestItemsOfOthers(t *testing.T) {
	// Rule D2.7: there are sets, and empty strings, that docstore never writes.
	synctest.Test(t, func(t *testing.T) {
		table := memcloud.New(t).Table("records", nil)
		records := portable.Collection(table, nil)
		table.Put(memcloud.Item{"id": "1", "empty": "", "many": json.Number("12345678901234567890123456789012345678")})
		got := doc{"id": "1"}
		must(t, records.Get(t.Context(), got))
		if diff := cmp.Diff(doc{"id": "1", "empty": "", "many": 1.2345678901234568e37}, got); diff != "" {
			t.Error(diff)
		}
		for _, set := range []any{memcloud.StringSet{"a"}, memcloud.NumberSet{"1"}, memcloud.BinarySet{{1}}} {
			table.Put(memcloud.Item{"id": "2", "set": set})
			if err := records.Get(t.Context(), doc{"id": "2"}); err == nil || !strings.Contains(err.Error(), "Table") {
				t.Errorf("%T: %v", set, err)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	tests := []struct {
		options memcloud.TableOptions
		doc     doc
		code    gcerrors.ErrorCode
		reason  string
	}{
		{memcloud.TableOptions{}, doc{"id": "a"}, gcerrors.OK, "S"},
		{memcloud.TableOptions{KeyType: "N"}, doc{"id": 1.5}, gcerrors.OK, "N"},
		{memcloud.TableOptions{KeyType: "B"}, doc{"id": []byte{1}}, gcerrors.OK, "B"},
		{memcloud.TableOptions{Sort: "at", SortType: "N"}, doc{"id": "a", "at": 3}, gcerrors.OK, "with sort key"},
		{memcloud.TableOptions{}, doc{"id": 1}, gcerrors.InvalidArgument, "of another type"},
		{memcloud.TableOptions{}, doc{"other": 1}, gcerrors.InvalidArgument, "missing"},
		{memcloud.TableOptions{}, doc{"id": ""}, gcerrors.InvalidArgument, "empty"},
		{memcloud.TableOptions{Sort: "at"}, doc{"id": "a"}, gcerrors.InvalidArgument, "sort key missing"},
		{memcloud.TableOptions{}, doc{"id": []string{"a"}}, gcerrors.InvalidArgument, "a list"},
		{memcloud.TableOptions{}, doc{"id": "a", "big": strings.Repeat("x", 400<<10)}, gcerrors.InvalidArgument, "an item of more than 400 KB"},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rows := portable.Collection(memcloud.New(t).Table("rows", &tc.options), nil)
				wantCode(t, rows.Put(t.Context(), tc.doc), tc.code)
				if tc.code == gcerrors.OK {
					must(t, rows.Get(t.Context(), tc.doc))
					must(t, rows.Delete(t.Context(), tc.doc))
					wantCode(t, rows.Get(t.Context(), tc.doc), gcerrors.NotFound)
					must(t, rows.Delete(t.Context(), tc.doc))
				}
			})
		})
	}
}

func TestAtomicWrites(t *testing.T) {
	// Rule D1.1: a write that did not happen, or changed nothing, has no record.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		table := cloud.Table("rows", nil)
		var records []string
		cloud.Function("see", handler(func(_ context.Context, payload []byte) error {
			records = append(records, string(payload))
			return nil
		}), memcloud.Trigger(table))
		rows := portable.Collection(table, nil)
		must(t, rows.Put(t.Context(), doc{"id": "b", "n": 1}))
		must(t, rows.Put(t.Context(), doc{"id": "b", "n": 1}))
		cloud.Settle()
		if len(records) != 1 {
			t.Errorf("two equal writes have %d records", len(records))
		}

		got := doc{"id": "b"}
		err := rows.Actions().AtomicWrites().Put(doc{"id": "a"}).Update(doc{"id": "b"}, docstore.Mods{"n": 2}).
			Create(doc{"id": "c"}).Get(got).Replace(doc{"id": "missing"}).Do(t.Context())
		failed := map[int]gcerrors.ErrorCode{}
		for _, e := range err.(docstore.ActionListError) {
			failed[e.Index] = gcerrors.Code(e.Err)
		}
		no := gcerrors.NotFound
		if diff := cmp.Diff(map[int]gcerrors.ErrorCode{0: no, 1: no, 2: no, 4: no}, failed); diff != "" {
			t.Error(diff)
		}
		if got["n"] != int64(1) {
			t.Errorf("the get beside it found %v", got)
		}
		cloud.Settle()
		if items := table.Items(); len(items) != 1 || len(records) != 1 {
			t.Errorf("a failed group left %v and %d records", items, len(records))
		}

		before, after := doc{"id": "b"}, doc{"id": "b"}
		must(t, rows.Actions().AtomicWrites().Put(doc{"id": "a"}).Get(before).Update(doc{"id": "b"}, docstore.Mods{"n": 2}).Do(t.Context()))
		must(t, rows.Actions().AtomicWrites().Update(doc{"id": "b"}, docstore.Mods{"n": 3}).Put(doc{"id": "a"}).Get(after).Do(t.Context()))
		if before["n"] != int64(1) || after["n"] != int64(3) {
			t.Errorf("before the group %v, after it %v", before, after)
		}
		many := rows.Actions().AtomicWrites()
		for i := range 101 {
			many.Put(doc{"id": fmt.Sprint(i)})
		}
		if err := many.Do(t.Context()); err == nil || len(table.Items()) != 2 {
			t.Errorf("101 writes in one transaction: %v", err)
		}
	})
}

func TestActionsRunInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		rows := portable.Collection(cloud.Table("rows", nil), nil)
		actions := rows.Actions()
		for i := range 20 {
			actions.Create(doc{"id": fmt.Sprintf("row-%02d", 19-i)})
		}
		actions.Create(doc{"id": "row-07"}) // gocloud refuses two writes of one document
		if err := actions.Do(t.Context()); err == nil {
			t.Error("two writes of one document in a list")
		}
		actions = rows.Actions().Replace(doc{"id": "missing"})
		for i := range 20 {
			actions.Create(doc{"id": fmt.Sprintf("row-%02d", 19-i)})
		}
		err := actions.Do(t.Context())
		if list, ok := err.(docstore.ActionListError); !ok || len(list) != 1 || list[0].Index != 0 {
			t.Errorf("the first of a list fails, not the others: %v", err)
		}
		var order []string
		for _, s := range cloud.Steps() {
			order = append(order, s.ID)
		}
		if len(order) != 20 || order[0] != "row-19" || order[19] != "row-00" {
			t.Errorf("written in the order %v", order)
		}
	})
}

func TestRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := memcloud.New(t).Table("rows", nil)
		one, two := portable.Collection(table, &portable.CollectionOptions{RevisionField: "rev"}), portable.Collection(table, &portable.CollectionOptions{RevisionField: "rev"})
		a := doc{"id": "a", "rev": nil}
		must(t, one.Create(t.Context(), a))
		b := doc{"id": "a"}
		must(t, two.Get(t.Context(), b))
		b["n"] = 1
		must(t, two.Replace(t.Context(), b))
		wantCode(t, one.Update(t.Context(), a, docstore.Mods{"n": 2}), gcerrors.FailedPrecondition)
		wantCode(t, one.Delete(t.Context(), a), gcerrors.FailedPrecondition)
		wantCode(t, one.Put(t.Context(), a), gcerrors.FailedPrecondition)
		must(t, one.Delete(t.Context(), b))
		wantCode(t, one.Put(t.Context(), b), gcerrors.FailedPrecondition) // what is deleted has no revision
		wantCode(t, one.Delete(t.Context(), b), gcerrors.FailedPrecondition)
		must(t, two.Create(t.Context(), doc{"id": "a", "rev": nil}))
		for _, stale := range []doc{a, b} { // deleted and made again: not the same
			wantCode(t, one.Replace(t.Context(), stale), gcerrors.FailedPrecondition)
		}

		generated := doc{"rev": nil}
		must(t, one.Create(t.Context(), generated))
		if id, ok := generated["id"].(string); !ok || len(id) != 36 || len(table.Items()) != 2 {
			t.Errorf("made up the key %v", generated["id"])
		}
		wantCode(t, one.Put(t.Context(), doc{"id": "a", "rev": 7}), gcerrors.InvalidArgument)
	})
}

func TestUpdate(t *testing.T) {
	tests := []struct {
		mods   docstore.Mods
		want   doc // nil: InvalidArgument, and nothing changes
		reason string
	}{
		{docstore.Mods{"n": docstore.Increment(2)}, doc{"id": "a", "n": int64(3), "m": doc{"x": "y"}}, "a sum"},
		{docstore.Mods{"n": docstore.Increment(0.25)}, doc{"id": "a", "n": 1.25, "m": doc{"x": "y"}}, "a sum of an int and a float"},
		{docstore.Mods{"new": docstore.Increment(-1)}, doc{"id": "a", "n": int64(1), "new": int64(-1), "m": doc{"x": "y"}}, "missing counts as 0"},
		{docstore.Mods{"m.x": nil, "m.z": []int{1}}, doc{"id": "a", "n": int64(1), "m": doc{"z": []any{int64(1)}}}, "inside a map"},
		{docstore.Mods{"n": "text", "m": docstore.Increment(1)}, nil, "a map is no number"},
		{docstore.Mods{"n": "text", "o.x": 1}, nil, "there is no map o"},
		{docstore.Mods{"n": "text", "id": "b"}, nil, "the key stays"},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rows := portable.Collection(memcloud.New(t).Table("rows", nil), nil)
				before := doc{"id": "a", "n": int64(1), "m": doc{"x": "y"}}
				must(t, rows.Put(t.Context(), before))
				code, want := gcerrors.OK, tc.want
				if want == nil {
					code, want = gcerrors.InvalidArgument, before
				}
				wantCode(t, rows.Update(t.Context(), doc{"id": "a"}, tc.mods), code)
				got := doc{"id": "a"}
				must(t, rows.Get(t.Context(), got))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		rows := portable.Collection(memcloud.New(t).Table("rows", nil), nil)
		wantCode(t, rows.Update(t.Context(), doc{"id": "a"}, docstore.Mods{"n": 1}), gcerrors.NotFound)
	})
}

func TestCollectionSharesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows := portable.Collection(memcloud.New(t).Table("rows", nil), nil)
		data, inner := []byte("precious"), doc{"list": []any{"x"}}
		must(t, rows.Put(t.Context(), doc{"id": "a", "data": data, "inner": inner}))
		must(t, rows.Update(t.Context(), doc{"id": "a"}, docstore.Mods{"more": data}))
		clear(data)
		inner["list"].([]any)[0] = "scribble"
		want := doc{"id": "a", "data": []byte("precious"), "more": []byte("precious"), "inner": doc{"list": []any{"x"}}}
		for range 2 {
			got := doc{"id": "a"}
			must(t, rows.Get(t.Context(), got))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			found := doc{}
			must(t, rows.Query().Get(t.Context()).Next(t.Context(), found))
			if diff := cmp.Diff(want, found); diff != "" {
				t.Fatal(diff)
			}
			for _, d := range []doc{got, found} {
				clear(d["data"].([]byte))
				clear(d["more"].([]byte))
				d["inner"].(doc)["list"].([]any)[0] = "scribble"
			}
		}
	})
}
