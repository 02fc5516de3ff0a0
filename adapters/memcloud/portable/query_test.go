package portable_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/docstore"
)

func TestQueries(t *testing.T) {
	rows := []doc{ // ids in the order of the keys
		{"id": "a", "n": 2, "s": "x", "sub": doc{"k": 1}},
		{"id": "b", "n": 10, "s": "y"},
		{"id": "c", "n": 1.5, "s": "x"},
		{"id": "d", "n": "2", "ok": true},
		{"id": "e", "ok": false, "b": []byte{2}},
	}
	tests := []struct {
		build  func(*docstore.Query) *docstore.Query
		want   string // ids
		reason string
	}{
		{func(q *docstore.Query) *docstore.Query { return q }, "a b c d e", "by key"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("n", ">", 1) }, "a b c", "numbers by value; a string is none"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("n", "=", 2.0) }, "a", "2.0 is 2"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("n", "<=", 2).Where("s", "=", "x") }, "a c", "both hold"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("n", ">=", 2).Where("n", "<", 10) }, "a", "a range"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("sub.k", "=", 1) }, "a", "inside a map"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("s", "in", []any{"y", 3}) }, "b", "in"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("s", "not-in", []any{"x"}) }, "b d e", "not-in holds for the missing"},
		{func(q *docstore.Query) *docstore.Query { return q.Where("ok", "=", false) }, "e", "booleans"},
		{func(q *docstore.Query) *docstore.Query { return q.OrderBy("n", docstore.Ascending) }, "e c a b d", "missing, numbers, strings"},
		{func(q *docstore.Query) *docstore.Query { return q.OrderBy("s", docstore.Ascending) }, "d e a c b", "equals by key"},
		{func(q *docstore.Query) *docstore.Query { return q.OrderBy("s", docstore.Descending) }, "b a c d e", "equals by key, also downwards"},
		{func(q *docstore.Query) *docstore.Query { return q.OrderBy("ok", docstore.Ascending) }, "a b c e d", "false before true"},
		{func(q *docstore.Query) *docstore.Query { return q.Offset(1).Limit(2) }, "b c", "a part"},
		{func(q *docstore.Query) *docstore.Query { return q.Offset(9) }, "", "beyond the end"},
	}
	synctest.Test(t, func(t *testing.T) {
		c := portable.Collection(memcloud.New(t).Table("rows", nil), nil)
		for i := range rows {
			must(t, c.Put(t.Context(), rows[len(rows)-1-i]))
		}
		for _, tc := range tests {
			var ids []string
			for it := tc.build(c.Query()).Get(t.Context(), "s"); ; {
				d := doc{}
				err := it.Next(t.Context(), d)
				if err == io.EOF {
					break
				}
				must(t, err)
				if _, ok := d["n"]; ok {
					t.Errorf("%s: the document has more than was asked for: %v", tc.reason, d)
				}
				ids = append(ids, d["id"].(string))
			}
			if diff := cmp.Diff(tc.want, strings.Join(ids, " ")); diff != "" {
				t.Errorf("%s: %s", tc.reason, diff)
			}
		}
	})
}
