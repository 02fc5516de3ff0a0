package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/gcerrors"
)

// TestAnyOrder delivers the events of three uploads of one picture three times
// each, in many orders: the newest one's thumbnail and row are what remains.
func TestAnyOrder(t *testing.T) {
	// Rule B4.1: arrival order means nothing; delivery is at least once.
	// Rule B4.2: the shorter sequencer is padded at the right, case is folded.
	// Rule B4.5: equal padded sequencers are the same change.
	const key = "photos/x.png"
	// 9 is later than 80: it counts as 90.
	sequencers := []string{"0055aed6", "0055AED680", "0055AED69"}
	twins := []string{"0055AED600", "0055aed680", "0055AED690"} // of the same uploads
	for seed := range uint64(30) {
		w := newWorld(t)
		var deliveries []string
		for i, s := range sequencers {
			deliveries = append(deliveries, s, s, twins[i])
		}
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(deliveries), func(i, j int) {
			deliveries[i], deliveries[j] = deliveries[j], deliveries[i]
		})
		w.put(key, version(t, 3)) // all were uploaded before the first event came
		for _, s := range deliveries {
			w.mustHandle(key, s)
		}
		checkNewest(t, w, key, "0055AED69", fmt.Sprint(deliveries))
	}
}

// TestBetweenUploads delivers each event after the next upload.
func TestBetweenUploads(t *testing.T) {
	const key = "photos/x.png"
	w := newWorld(t)
	w.put(key, version(t, 1))
	w.put(key, version(t, 2))
	w.mustHandle(key, "1")
	w.put(key, version(t, 3))
	w.mustHandle(key, "3")
	w.mustHandle(key, "2")
	w.mustHandle(key, "1")
	checkNewest(t, w, key, "3", "between uploads")
	if len(w.published) != 2 {
		t.Errorf("published %d events, want one for each of the uploads 1 and 3", len(w.published))
	}

	w.Bucket.Close() // what is late costs no more than a look at the row
	w.mustHandle(key, "2")
	w.mustHandle(key, "3")
}

// TestAtOnce delivers everything at once, as to many instances of the program.
func TestAtOnce(t *testing.T) {
	const key = "photos/x.png"
	for range 20 {
		w := newWorld(t)
		w.put(key, version(t, 3))
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() { w.mustHandle(key, []string{"1", "2", "3"}[i%3]) })
		}
		group.Wait()
		checkNewest(t, w, key, "3", "at once")
	}
}

// TestStaleWrite: between reading the row and writing it, another instance
// wrote. The condition of the write says so, and store looks again.
func TestStaleWrite(t *testing.T) {
	const key = "photos/x.png"
	w := newWorld(t)
	image := func(sequencer string) *Image {
		return &Image{Key: key, Service: "s3", Sequencer: sequencer, Thumbnail: sequencer}
	}
	write := func(row, next *Image, want gcerrors.ErrorCode) {
		t.Helper()
		if err := w.write(t.Context(), row, next); gcerrors.Code(err) != want {
			t.Errorf("writing %s: got %v, want %v", next.Sequencer, err, want)
		}
	}
	write(nil, image("1"), gcerrors.OK)
	write(nil, image("2"), gcerrors.AlreadyExists)
	read, err := w.row(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	write(read, image("4"), gcerrors.OK)
	write(read, image("3"), gcerrors.FailedPrecondition)
	if rows := w.rows(); len(rows) != 1 || rows[0].Sequencer != "4" {
		t.Errorf("rows: %+v", rows)
	}
}

// TestQuickerInstance is the race in slow motion: between reading the row and
// writing it, an instance is overtaken by the handler of a later upload.
func TestQuickerInstance(t *testing.T) {
	const key = "photos/x.png"
	w := newWorld(t)
	w.put(key, version(t, 3))
	slow := &Image{Key: key, Service: "s3", Sequencer: "2", Thumbnail: "thumbnails/x.png/2.png"}
	if err := w.Bucket.WriteAll(t.Context(), slow.Thumbnail, []byte("of an older upload"), nil); err != nil {
		t.Fatal(err)
	}
	w.mustHandle(key, "3")
	if row, err := w.store(t.Context(), nil, slow); row != nil || err != nil {
		t.Errorf("the older row was stored: %v, %v", row, err)
	}
	checkNewest(t, w, key, "3", "overtaken")

	// The one that comes late, but is of a later upload, wins all the same.
	later := &Image{Key: key, Service: "s3", Sequencer: "4", Thumbnail: "thumbnails/x.png/4.png"}
	if row, err := w.store(t.Context(), nil, later); row != later || err != nil {
		t.Errorf("the later row was not stored: %v, %v", row, err)
	}
	if rows := w.rows(); len(rows) != 1 || rows[0].Sequencer != "4" {
		t.Errorf("rows: %+v", rows)
	}
	if left := w.keys(Thumbnails); len(left) != 0 {
		t.Errorf("thumbnails that no row names: %q", left)
	}
}

// TestTwinInstance: of two instances with the same event both may publish, for
// either may crash before it does; but what is published is not published again.
func TestTwinInstance(t *testing.T) {
	const key = "photos/x.png"
	w := newWorld(t)
	w.put(key, version(t, 3))
	w.mustHandle(key, "3")
	twin := &Image{Key: key, Service: "s3", Sequencer: "3", Thumbnail: "thumbnails/x.png/3.png"}
	row, err := w.store(t.Context(), nil, twin)
	if err != nil || row == nil || row == twin || !row.Announced {
		t.Errorf("store: %+v, %v", row, err)
	}
	if err := w.announce(t.Context(), row); err != nil {
		t.Error(err)
	}
	checkNewest(t, w, key, "3", "twins")
	if len(w.published) != 1 {
		t.Errorf("published %d events, want 1", len(w.published))
	}
}

func checkNewest(t *testing.T, w *world, key, sequencer, when string) {
	t.Helper()
	rows := w.rows()
	if len(rows) != 1 {
		t.Fatalf("%s: %d rows, want 1", when, len(rows))
	}
	row := rows[0]
	if c, known := row.compare(&Image{Key: key, Service: "s3", Sequencer: sequencer}); c != 0 || !known {
		t.Errorf("%s: the row is of upload %s, want %s", when, row.Sequencer, sequencer)
	}
	if row.Size.Width != 13 || !row.Announced {
		t.Errorf("%s: the row says %+v", when, row)
	}
	if got := w.keys(Thumbnails); len(got) != 1 || got[0] != row.Thumbnail {
		t.Errorf("%s: the thumbnails are %q, the row names %q", when, got, row.Thumbnail)
	}
	want, err := row.processed()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(w.published, func(e event.Event) bool { return e.ID() == want.ID() }) {
		t.Errorf("%s: the newest was not published", when)
	}
}
