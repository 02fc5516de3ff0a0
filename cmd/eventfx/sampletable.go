package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

func (s *sampler) changes(name string, expired bool) ([]byte, error) {
	records, err := s.records(name, expired)
	return awspayload.AppendStreamEvent(nil, records), err
}

// window is a tumbling window of a minute, not at its end.
func (s *sampler) window() ([]byte, error) {
	records, err := s.records("INSERT", false)
	start := s.at.Truncate(time.Minute)
	return awspayload.AppendWindowEvent(nil, records, &awspayload.Window{
		Start: start, End: start.Add(time.Minute), ShardID: "shardId-000000017734872060123-a1b2c3d4", StreamARN: s.stream(),
	}), err
}

func (s *sampler) stream() string {
	return s.arn("dynamodb", "table/"+s.table+"/stream/2026-01-01T00:00:00.000")
}

func (s *sampler) records(name string, expired bool) ([]awspayload.StreamRecord, error) {
	records := make([]awspayload.StreamRecord, s.count)
	for i := range records {
		item, old, err := s.items(i, name)
		if err != nil {
			return nil, err
		}
		keys := awspayload.Item{}
		for _, key := range s.keys {
			keys[key] = item[key]
		}
		r := awspayload.StreamRecord{
			EventID: s.id("change", i), Name: name, Region: s.region, StreamARN: s.stream(), Created: s.at, Keys: keys, New: item, Expired: expired,
			SequenceNumber: "1117" + fmt.Sprintf("%020d", s.at.UnixMilli()*1000+int64(i)), ViewType: "NEW_AND_OLD_IMAGES",
		}
		switch name {
		case "REMOVE":
			r.New, r.Old = nil, item
		case "MODIFY":
			if old == nil {
				old = keys
			}
			r.Old = old
		}
		records[i] = r
	}
	return records, nil
}

// items returns the item, and what it was before where the flags say so.
func (s *sampler) items(i int, name string) (item, old awspayload.Item, err error) {
	text, before := s.item, s.oldItem
	if text == "" {
		id := "order-" + strconv.Itoa(i+1)
		text = `{"id":"` + id + `","status":"paid","total":19.90}`
		if name == "MODIFY" && before == "" {
			before = `{"id":"` + id + `","status":"new","total":19.90}`
		}
	}
	if item, err = awspayload.ParseItem([]byte(text)); err != nil {
		return nil, nil, fmt.Errorf("-item: %w", err)
	}
	if before != "" {
		if old, err = awspayload.ParseItem([]byte(before)); err != nil {
			return nil, nil, fmt.Errorf("-old-item: %w", err)
		}
	}
	for _, key := range s.keys {
		if err := checkKey("-item", item, key); err != nil {
			return nil, nil, err
		}
		if old == nil {
			continue
		}
		if err := checkKey("-old-item", old, key); err != nil {
			return nil, nil, err
		}
		if fmt.Sprint(old[key]) != fmt.Sprint(item[key]) {
			return nil, nil, fmt.Errorf("-old-item: its %s is not that of -item: another key is another item", key)
		}
	}
	return item, old, nil
}

// checkKey: a key is text or a number, of those that plain JSON has.
func checkKey(flag string, item awspayload.Item, key string) error {
	switch value := item[key].(type) {
	case string:
		if value != "" {
			return nil
		}
	case fmt.Stringer: // json.Number
		return nil
	}
	if _, ok := item[key]; !ok {
		return fmt.Errorf("%s: no attribute %s: name the table's keys by -keys", flag, key)
	}
	return fmt.Errorf("%s: the key %s must be a text or a number", flag, key)
}
