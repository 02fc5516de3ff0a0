package pipeline

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

func TestNotify(t *testing.T) {
	w := newWorld(t)
	row := &Image{
		Key: "photos/a b.jpg", Owner: "ada@example.com", Size: Size{480, 640},
		Thumbnail: "thumbnails/a b.jpg/1.jpg",
	}
	inserted := func(row *Image) eventfx.Event[table.Change[Image]] {
		return eventfx.Event[table.Change[Image]]{
			Message: &eventfx.Message{}, Data: table.Change[Image]{Kind: table.Insert, New: row},
		}
	}
	for _, r := range []*Image{row, {Key: "photos/anonymous.jpg"}} {
		if err := w.Notify(t.Context(), inserted(r)); err != nil {
			t.Error(err)
		}
	}
	want := []Mail{{
		"ada@example.com", `Your picture "a b.jpg" is ready`, "a b.jpg of 480x640: see thumbnails/a b.jpg/1.jpg\n",
	}}
	if diff := cmp.Diff(want, w.mails); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	if err := w.Notify(t.Context(), inserted(nil)); !permanent(err) {
		t.Errorf("without an image: got %v, want an error that stays", err)
	}
	w.Send = func(context.Context, Mail) error { return errors.New("busy") }
	if err := w.Notify(t.Context(), inserted(row)); err == nil || permanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
}

func ordered(o Order) eventfx.Event[Order] {
	return eventfx.Event[Order]{Message: &eventfx.Message{}, Data: o}
}

func TestPrint(t *testing.T) {
	w := newWorld(t)
	w.put("photos/x.png", version(t, 1))
	err := w.Print(t.Context(), ordered(Order{"o-1", "x.png", 2}))
	if !errors.Is(err, ErrNotReady) || permanent(err) {
		t.Errorf("before its picture: got %v, want ErrNotReady", err)
	}
	w.mustHandle("photos/x.png", "1")
	for range 2 {
		if err := w.Print(t.Context(), ordered(Order{"o-1", "x.png", 2})); err != nil {
			t.Error(err)
		}
	}
	job, err := w.Bucket.ReadAll(t.Context(), "prints/o-1.json")
	want := `{"id":"o-1","picture":"x.png","copies":2,"source":"photos/x.png"}`
	if err != nil || string(job) != want {
		t.Errorf("the job is %s (%v), want %s", job, err, want)
	}
	for _, o := range []Order{{"o-2", "x.png", 0}, {"", "x.png", 1}} {
		if err := w.Print(t.Context(), ordered(o)); !permanent(err) {
			t.Errorf("%+v: got %v, want an error that stays", o, err)
		}
	}
}
