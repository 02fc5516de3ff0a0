package memcloud

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A shard has the changes of the items whose partition keys fall into its
// part of the hashes, in order. Nothing comes to one that is closed.
type shard struct {
	id          string
	parent      *shard
	first, last uint64 // of the hashes
	closed      bool
	records     []*record // those that a new mapping may still read
	readers     []*shardReader
}

// SplitShard splits the shard to which the items with a partition key go: it
// is closed, and has two children. AWS does that by itself, when a table grows
// and every few hours; here only this method and the fault ShardSplit do.
func (t *Table) SplitShard(partitionKey any) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.cloud.do(own, "", func() error {
		if t.stream == nil || !t.stream.enabled {
			return t.invalid("the table has no stream whose shard could be split")
		}
		value, err := normalValue(t.keys[0].name, partitionKey)
		if err != nil {
			return t.invalid("One or more parameter values were invalid: %v", err)
		}
		sh := t.stream.shardOf(t.partition(Item{t.keys[0].name: value}))
		if !sh.divisible() {
			return t.invalid("%s cannot be split any more", sh.id)
		}
		t.stream.split(sh)
		return nil
	}))
}

// The methods below are the loop's.

// hashKey spreads keys evenly, as AWS does; it does not say by which hash.
func hashKey(key string) uint64 {
	sum := md5.Sum([]byte(key))
	return binary.BigEndian.Uint64(sum[:])
}

// partition returns the hash that says to which shard an item goes.
func (t *Table) partition(key Item) uint64 {
	return hashKey(string(awspayload.AppendValue(nil, key[t.keys[0].name])))
}

func (s *stream) newShard(parent *shard, first, last uint64) {
	c := s.table.cloud
	n := c.number("shard")
	sh := &shard{
		id:     fmt.Sprintf("shardId-%020d-%08x", c.instant().UnixMilli(), uint32(c.hash("shard", n))),
		parent: parent, first: first, last: last,
	}
	s.shards = append(s.shards, sh)
	for _, p := range s.mappings {
		p.readShard(sh)
	}
}

// shardOf returns the open shard for the hash. Closed ones have children for
// the same hashes, which come later.
func (s *stream) shardOf(hash uint64) *shard {
	for _, sh := range slices.Backward(s.shards) {
		if sh.first <= hash && hash <= sh.last {
			return sh
		}
	}
	panic("memcloud: a hash without a shard")
}

func (sh *shard) divisible() bool { return sh.first < sh.last }

func (s *stream) split(sh *shard) {
	sh.closed = true
	half := sh.first + (sh.last-sh.first)/2
	s.newShard(sh, sh.first, half)
	s.newShard(sh, half+1, sh.last)
	n := len(s.shards)
	s.table.cloud.note(s.table.name, "split", entity{name: sh.id}, "into "+s.shards[n-2].id+" and "+s.shards[n-1].id)
	s.poke()
}

// append adds a record, and forgets those that the stream no longer keeps:
// their readers have them.
func (sh *shard) append(r *record) {
	old := 0
	for old < len(sh.records) && r.at-sh.records[old].at > streamRetention {
		old++
	}
	clear(sh.records[:old])
	sh.records = append(sh.records[old:], r)
	for _, reader := range sh.readers {
		reader.add(r)
	}
}
