package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"gocloud.dev/docstore"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var tableScripts = []script{
	{"docs", documents},
	{"values", values},
	{"atomic", atomicGroup},
	{"query", queries},
	{"items", items},
	{"numbers", numbers},
	{"badkeys", badKeys},
}

type doc = map[string]any

// bare writes a document without its revision, which differs from run to run.
func bare(d doc) string {
	d = maps.Clone(d)
	delete(d, docstore.DefaultRevisionField)
	text, err := json.Marshal(d)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func documents(r *Run) {
	c := r.Table("rows", nil).Collection()
	defer c.Close()
	const revision = docstore.DefaultRevisionField // in a map it is set if it is there
	get := func(step string, fields ...docstore.FieldPath) any {
		d := doc{"id": "a", revision: nil}
		err := c.Get(r.ctx, d, fields...)
		r.SeeCode(step, err)
		r.See(step+": document", bare(d))
		return d[revision]
	}
	get("get what is not there")
	r.SeeCode("replace what is not there", c.Replace(r.ctx, doc{"id": "a", "n": 0}))
	// gocloud's driver for DynamoDB has another code than that for a replace.
	r.See("update what is not there", c.Update(r.ctx, doc{"id": "a"}, docstore.Mods{"n": 0}) != nil)
	r.SeeCode("delete what is not there", c.Delete(r.ctx, doc{"id": "a"}))
	created := doc{"id": "a", "n": 1, "s": "x", revision: nil}
	r.SeeCode("create", c.Create(r.ctx, created))
	r.See("it has a revision", created[revision] != nil)
	r.SeeCode("create again", c.Create(r.ctx, doc{"id": "a", "n": 2}))
	first := get("get")
	r.See("the revision is that of the creation", first == created[revision])
	r.SeeCode("put", c.Put(r.ctx, doc{"id": "a", "n": 2, "m": doc{"x": 1, "y": doc{"z": 2}}, "l": []any{1, "two"}}))
	second := get("get after the put")
	r.See("the revision is another", first != second)
	r.SeeCode("put with the revision of before", c.Put(r.ctx, doc{"id": "a", revision: first}))
	r.SeeCode("replace with the revision of before", c.Replace(r.ctx, doc{"id": "a", revision: first}))
	r.SeeCode("update with the revision of before", c.Update(r.ctx, doc{"id": "a", revision: first}, docstore.Mods{"n": 0}))
	r.SeeCode("delete with the revision of before", c.Delete(r.ctx, doc{"id": "a", revision: first}))
	r.See("the revision is the same", get("nothing happened") == second)
	get("some fields", "n", "m.y")
	get("a field that is not there", "none", "m.none")
	r.SeeCode("update", c.Update(r.ctx, doc{"id": "a", revision: second}, docstore.Mods{"m.x": nil, "m.new": "v", "n": docstore.Increment(5), "fresh": docstore.Increment(1)}))
	third := get("get after the update")
	r.See("update: the revision is another", third != second)
	r.See("increment a list", c.Update(r.ctx, doc{"id": "a"}, docstore.Mods{"l": docstore.Increment(1)}) != nil)
	r.See("set below what is not there", c.Update(r.ctx, doc{"id": "a"}, docstore.Mods{"none.x": 1}) != nil)
	get("get after wrong updates")
	r.SeeCode("replace with the latest revision", c.Replace(r.ctx, doc{"id": "a", "n": 9, revision: third}))
	get("get the replacement")
	r.SeeCode("delete", c.Delete(r.ctx, doc{"id": "a"}))
	get("get what was deleted")

	r.SeeCode("put without a key", c.Put(r.ctx, doc{"n": 1}))
	made := doc{"n": 1}
	r.SeeCode("create without a key", c.Create(r.ctx, made))
	r.See("a key was made", made["id"] != nil)

	r.Must(c.Put(r.ctx, doc{"id": "old", "n": 1}))
	err := c.Actions().Create(doc{"id": "b", "n": 1}).Create(doc{"id": "old", "n": 2}).Put(doc{"id": "y", "n": 3}).Do(r.ctx)
	r.See("a list: fails", err != nil)
	if list, ok := errors.AsType[docstore.ActionListError](err); ok {
		for _, e := range list {
			r.SeeCode(fmt.Sprint("a list: action ", e.Index+1), e.Err)
		}
	}
	for _, id := range []string{"b", "old", "y"} {
		d := doc{"id": id}
		r.SeeCode("a list: get "+id, c.Get(r.ctx, d))
		r.See("a list: document "+id, bare(d))
	}
}

// values are written by gocloud and looked at from below.
func values(r *Run) {
	table := r.Table("rows", nil)
	c := table.Collection()
	defer c.Close()
	type inner struct {
		A int
		B string `docstore:"b"`
	}
	for _, v := range []struct {
		step  string
		value any
	}{
		{"string", "x"}, {"empty string", ""}, {"unicode", "ä世🙂"}, {"int", 5}, {"negative", -7}, {"int64", int64(1)<<62 + 1}, {"uint64", uint64(1)<<63 + 1},
		{"float", 1.5}, {"small float", 1e-7}, {"big float", 1e21}, {"third", 1.0 / 3}, {"true", true}, {"false", false}, {"null", nil},
		{"bytes", []byte{0, 255}}, {"no bytes", []byte{}}, {"list", []any{1, "a", nil, true}}, {"strings", []string{"b", "a", "b"}}, {"empty list", []any{}},
		{"map", map[string]any{"x": 1, "a.b": doc{}}}, {"struct", inner{A: 1, B: "x"}}, {"time", time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		{"array", [2]int{1, 2}}, {"pointer", new(int)}, {"nested", []any{[]any{[]any{}}, doc{"l": []any{doc{}}}}},
	} {
		err := c.Put(r.ctx, doc{"id": "x", "v": v.value})
		r.SeeCode(v.step+": put", err)
		item, err := table.GetItem(r.ctx, memcloud.Item{"id": "x"})
		r.Must(err)
		r.See(v.step+": item", Item(memcloud.Item{"v": item["v"]}))
		d := doc{"id": "x"}
		r.SeeCode(v.step+": get", c.Get(r.ctx, d))
		r.See(v.step+": value", fmt.Sprintf("%T %v", d["v"], d["v"]))
	}
	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "sets", "ss": memcloud.StringSet{"a"}}))
	r.See("a set cannot be read", c.Get(r.ctx, doc{"id": "sets"}) != nil)
}

func atomicGroup(r *Run) {
	table := r.Table("rows", nil)
	c := table.Collection()
	defer c.Close()
	see := func(step string) {
		var rows []string
		for _, id := range []string{"a", "b", "c"} {
			item, err := table.GetItem(r.ctx, memcloud.Item{"id": id})
			r.Must(err)
			delete(item, docstore.DefaultRevisionField)
			rows = append(rows, Item(item))
		}
		r.See(step, strings.Join(rows, " "))
	}
	do := func(step string, list *docstore.ActionList) {
		// DynamoDB has one code for whatever cancels a transaction.
		r.See(step+": fails", list.Do(r.ctx) != nil)
		see(step + ": rows")
	}
	do("two writes", c.Actions().AtomicWrites().Put(doc{"id": "a", "n": 1}).Create(doc{"id": "b", "n": 1}))
	do("one of them fails", c.Actions().AtomicWrites().Put(doc{"id": "a", "n": 2}).Create(doc{"id": "b", "n": 2}).Put(doc{"id": "c", "n": 2}))
	do("outside of the group", c.Actions().Put(doc{"id": "c", "n": 3}).AtomicWrites().Create(doc{"id": "a", "n": 3}).Put(doc{"id": "b", "n": 3}))
	do("updates", c.Actions().AtomicWrites().Update(doc{"id": "a"}, docstore.Mods{"n": docstore.Increment(10)}).Delete(doc{"id": "b"}).Replace(doc{"id": "c", "n": 4}))
	do("replace what is not there", c.Actions().AtomicWrites().Delete(doc{"id": "a"}).Replace(doc{"id": "b", "n": 5}))
	read := doc{"id": "a"}
	err := c.Actions().AtomicWrites().Put(doc{"id": "b", "n": 6}).Get(read).Do(r.ctx)
	r.See("a get beside them", err)
	r.See("what it gets", bare(read))
}

func queries(r *Run) {
	table := r.Table("scores", &memcloud.TableOptions{Key: "game", Sort: "player"})
	c := table.Collection()
	defer c.Close()
	for i, s := range []struct {
		game, player string
		score        any
	}{
		{"chess", "ann", 30}, {"chess", "bob", 10}, {"chess", "cid", 20}, {"go", "ann", 5}, {"go", "bob", 7}, {"go", "eve", 6},
	} {
		r.Must(c.Put(r.ctx, doc{"game": s.game, "player": s.player, "score": s.score, "n": i}))
	}
	see := func(step string, ordered bool, q *docstore.Query, fields ...docstore.FieldPath) {
		var found []string
		iterator := q.Get(r.ctx, fields...)
		defer iterator.Stop()
		for {
			d := doc{}
			err := iterator.Next(r.ctx, d)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.See(step, err)
				return
			}
			found = append(found, bare(d))
		}
		if !ordered {
			slices.Sort(found)
		}
		r.See(step, strings.Join(found, " "))
	}
	see("all", false, c.Query())
	see("a partition, in order", true, c.Query().Where("game", "=", "chess"), "player")
	see("one", true, c.Query().Where("game", "=", "chess").Where("player", "=", "bob"))
	see("from one on", true, c.Query().Where("game", "=", "chess").Where("player", ">=", "bob"), "player")
	see("before one", true, c.Query().Where("game", "=", "chess").Where("player", "<", "bob"), "player")
	see("up and down", true, c.Query().Where("game", "=", "chess").OrderBy("player", docstore.Descending), "player")
	see("two", true, c.Query().Where("game", "=", "chess").OrderBy("player", docstore.Ascending).Limit(2), "player")
	see("offset", true, c.Query().Where("game", "=", "chess").OrderBy("player", docstore.Ascending).Offset(1).Limit(1), "player")
	see("by what is no key", false, c.Query().Where("score", ">", 9), "game", "player")
	see("by two that are no keys", false, c.Query().Where("score", ">=", 6).Where("n", "<", 5), "game", "player")
	see("in", false, c.Query().Where("player", "in", []string{"ann", "eve"}), "game", "player")
	see("not in", false, c.Query().Where("game", "=", "go").Where("score", "not-in", []int{5, 6}), "player")
	see("nothing", true, c.Query().Where("game", "=", "halma"))
	see("a field that nobody has", true, c.Query().Where("none", "=", 1))
}

// items are what memcloud and DynamoDB take and give without gocloud.
func items(r *Run) {
	table := r.Table("rows", nil)
	round := func(step string, v any) {
		if err := table.PutItem(r.ctx, memcloud.Item{"id": "x", "v": v}); err != nil {
			r.See(step, err)
			return
		}
		got, err := table.GetItem(r.ctx, memcloud.Item{"id": "x"})
		r.Must(err)
		text := Item(got)
		r.See(step, fmt.Sprintf("%.60s %d", text, len(text)))
	}
	round("string", "x")
	round("empty string", "")
	round("binary", []byte{1, 2})
	round("empty binary", []byte{})
	round("bool", false)
	round("null", nil)
	round("empty list", []any{})
	round("empty map", memcloud.Item{})
	round("nested", memcloud.Item{"l": []any{memcloud.Item{"n": json.Number("1")}, nil}})
	round("strings", memcloud.StringSet{"b", "a"})
	round("numbers", memcloud.NumberSet{"2", "10"})
	round("empty set", memcloud.StringSet{})
	round("a set with one twice", memcloud.StringSet{"a", "a"})
	round("390 KB", strings.Repeat("x", 390<<10)) // moto's limit is a little lower
	round("more than 400 KB", strings.Repeat("x", 400<<10))

	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "x", "a": "1", "b": "2"}))
	r.Must(table.PutItem(r.ctx, memcloud.Item{"id": "x", "b": "3"}))
	got, err := table.GetItem(r.ctx, memcloud.Item{"id": "x"})
	r.See("get after two puts", err)
	r.See("a put replaces all", Item(got))
	r.See("delete", table.DeleteItem(r.ctx, memcloud.Item{"id": "x"}))
	got, err = table.GetItem(r.ctx, memcloud.Item{"id": "x"})
	r.See("get what was deleted", err)
	r.See("it is gone", Item(got))
	r.See("delete what is not there", table.DeleteItem(r.ctx, memcloud.Item{"id": "x"}))
}

func numbers(r *Run) {
	table := r.Table("rows", nil)
	for _, n := range []string{"0", "-0", "007", "1.50", "1e3", "1E-3", "+5", "-1.0", strings.Repeat("9", 38), strings.Repeat("9", 39),
		"1e125", "1e126", "1e-130", "1e-131", "x", "", "0x10", "NaN"} {
		if err := table.PutItem(r.ctx, memcloud.Item{"id": "x", "n": json.Number(n)}); err != nil {
			r.See("number "+n, err)
			continue
		}
		got, err := table.GetItem(r.ctx, memcloud.Item{"id": "x"})
		r.Must(err)
		stored, _ := got["n"].(json.Number)
		value, ok := new(big.Rat).SetString(string(stored)) // how it is written is another matter
		if !ok {
			r.See("number "+n, "no number: "+stored)
			continue
		}
		r.See("number "+n, value)
	}
}

func badKeys(r *Run) {
	table := r.Table("scores", &memcloud.TableOptions{Key: "game", Sort: "round", SortType: "N"})
	put := func(step string, item memcloud.Item) { r.See(step, table.PutItem(r.ctx, item)) }
	put("both keys", memcloud.Item{"game": "go", "round": json.Number("1")})
	put("no partition key", memcloud.Item{"round": json.Number("1")})
	put("no sort key", memcloud.Item{"game": "go"})
	put("a sort key of another type", memcloud.Item{"game": "go", "round": "1"})
	put("a key that is null", memcloud.Item{"game": nil, "round": json.Number("1")})
	put("an empty key", memcloud.Item{"game": "", "round": json.Number("1")})
	put("again", memcloud.Item{"game": "go", "round": json.Number("1"), "again": true})
	got, err := table.GetItem(r.ctx, memcloud.Item{"game": "go", "round": json.Number("1.0")})
	r.See("get by the same number", err)
	r.See("what it gets", Item(got))
	_, err = table.GetItem(r.ctx, memcloud.Item{"game": "go"})
	r.See("get with half a key", err)
}
