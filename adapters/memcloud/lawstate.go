package memcloud

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// state is what a handler has made of a cloud: containers by name ("table
// users"), things in them by name ("row u-1"), and their attributes.
type state struct {
	containers map[string]*container
	moved      int // messages that went to dead-letter queues
	effects    int // calls of code under test that change something
}

type container struct {
	thing  string // what it holds: "row", "object", "message"
	things map[string]map[string]string
	sent   bool // its things were sent: a second one of the same is not seen
}

// state is called in the loop.
func (c *Cloud) state() *state {
	s := &state{containers: map[string]*container{}}
	for name, b := range c.buckets {
		in := s.container("bucket "+name, "object")
		for key := range b.objects {
			if o := b.latest(key); o != nil {
				in.things[key] = map[string]string{"data": preview(o.Data), "content type": o.ContentType, "metadata": fmt.Sprint(o.Metadata), "tags": fmt.Sprint(o.Tags)}
			}
		}
	}
	for name, t := range c.tables {
		in := s.container("table "+name, "row")
		for _, r := range t.rows {
			attributes := map[string]string{}
			for a, v := range r.item {
				attributes[a] = show(v)
			}
			in.things[t.describe(r.item)] = attributes
		}
	}
	for step := range c.steps.from(0) {
		kind, thing := "", "message"
		switch {
		case step.action == "put" && step.entity.prefix == 'e':
			kind, thing = "event bus ", "event"
		case step.action == "send" && c.queues[step.resource] != nil:
			kind = "queue "
		case step.action == "publish" && c.topics[step.resource] != nil:
			kind = "topic "
		default:
			continue
		}
		in := s.container(kind+step.resource, thing)
		in.sent = true
		in.things[step.text] = nil
	}
	return s
}

func (s *state) container(name, thing string) *container {
	c := s.containers[name]
	if c == nil {
		c = &container{thing: thing, things: map[string]map[string]string{}}
		s.containers[name] = c
	}
	return c
}

// show formats an attribute value as a person would write it.
func show(v any) string {
	switch v := v.(type) {
	case json.Number:
		return string(v)
	case string:
		return fmt.Sprintf("%q", clip(v, 60))
	}
	return string(awspayload.AppendValue(nil, v))
}

func preview(data []byte) string {
	if len(data) <= 60 && utf8.Valid(data) {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%d bytes with the MD5 %x", len(data), md5.Sum(data))
}

// difference is what a run with faults made otherwise than one without.
type difference struct {
	text string
	lost bool // something is missing
}

// law names the law that is broken.
func (d *difference) law(faults []string) string {
	reordered := func(name string) bool { return strings.HasPrefix(name, string(Reorder)+"@") }
	switch {
	case d.lost:
		return "work is lost"
	case len(faults) > 0 && !slices.ContainsFunc(faults, func(f string) bool { return !reordered(f) }):
		return "it depends on the order"
	}
	return "not idempotent"
}

// compare returns the first difference between now and the two baselines, as
// far as these agree.
func compare(a, b, now *state) *difference {
	like := map[string]*container{}
	for _, s := range []*state{a, b, now} {
		maps.Copy(like, s.containers)
	}
	for _, name := range slices.Sorted(maps.Keys(like)) {
		in := func(s *state) *container {
			if c := s.containers[name]; c != nil {
				return c
			}
			return &container{thing: like[name].thing, sent: like[name].sent}
		}
		if d := in(a).compare(in(b), in(now)); d != nil {
			d.text = name + ", " + d.text
			return d
		}
	}
	return nil
}

func (a *container) compare(b, now *container) *difference {
	// Things that only one of the baselines has are named by luck: they are
	// counted.
	var lucky int
	for key := range a.things {
		if _, ok := b.things[key]; !ok {
			lucky++
		}
	}
	var others []string
	for _, key := range slices.Sorted(maps.Keys(now.things)) {
		if _, ok := a.things[key]; !ok {
			others = append(others, key)
			continue
		}
		if _, ok := b.things[key]; !ok {
			others = append(others, key)
			continue
		}
		if d := compareAttributes(a.things[key], b.things[key], now.things[key]); d != "" {
			return &difference{text: a.thing + " " + clip(key, 60) + ": " + d}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.things)) {
		_, stable := b.things[key]
		if _, ok := now.things[key]; stable && !ok {
			return &difference{text: a.thing + " " + clip(key, 60) + " is missing", lost: true}
		}
	}
	switch {
	case len(others) < lucky:
		return &difference{text: fmt.Sprintf("%d %ss are missing", lucky-len(others), a.thing), lost: true}
	case len(others) == lucky, lucky > 0 && a.sent:
		return nil // messages with a time or an id of their own may be repeated as others may
	case lucky == 0:
		return &difference{text: fmt.Sprintf("a %s more: %s", a.thing, clip(others[0], 60))}
	}
	return &difference{text: fmt.Sprintf("%d %ss → %d", len(a.things), a.thing, len(now.things))}
}

func compareAttributes(a, b, now map[string]string) string {
	names := map[string]bool{}
	for _, m := range []map[string]string{a, now} {
		for name := range m {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := a[name]
		other, agreed := b[name]
		after, has := now[name]
		switch {
		case had != agreed, before != other && has == had, after == before && has == had:
		case !had:
			return fmt.Sprintf("%s is new: %s", name, after)
		case !has:
			return fmt.Sprintf("%s is missing, which was %s", name, before)
		default:
			return fmt.Sprintf("%s %s → %s", name, before, after)
		}
	}
	return ""
}
