package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/docstore/memdocstore"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/samples"
)

var uploaded = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

// world is an App with the stores it works on, and what it sent.
type world struct {
	t testing.TB
	App
	mu        sync.Mutex
	published []event.Event
	mails     []Mail
	publish   error // what the next Publish fails with
}

func newWorld(t testing.TB) *world {
	w := &world{t: t}
	images, err := memdocstore.OpenCollection("key", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.App = App{
		Bucket: memblob.OpenBucket(nil), Images: images,
		Publish: func(_ context.Context, e event.Event) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if err := w.publish; err != nil {
				w.publish = nil
				return err
			}
			w.published = append(w.published, e)
			return nil
		},
		Send: func(_ context.Context, m Mail) error {
			w.mails = append(w.mails, m)
			return nil
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	t.Cleanup(func() {
		w.Bucket.Close() // one that a test closed says so; nothing to be done
		images.Close()
	})
	return w
}

func (w *world) put(key string, file []byte) {
	w.t.Helper()
	err := w.Bucket.WriteAll(w.t.Context(), key, file, &blob.WriterOptions{Metadata: map[string]string{"owner": "ada@example.com"}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func upload(key, sequencer string) eventfx.Event[object.Change] {
	e := event.New()
	e.SetTime(uploaded)
	return eventfx.Event[object.Change]{
		Message: &eventfx.Message{Event: e},
		Data:    object.Change{Kind: object.Create, Service: "s3", Bucket: "pictures", Key: key, Sequencer: sequencer},
	}
}

func (w *world) mustHandle(key, sequencer string) {
	w.t.Helper()
	if err := w.Thumbnail(w.t.Context(), upload(key, sequencer)); err != nil {
		w.t.Errorf("event %s of %q: %v", sequencer, key, err)
	}
}

// keys lists the bucket below a prefix.
func (w *world) keys(prefix string) []string {
	w.t.Helper()
	var keys []string
	list := w.Bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := list.Next(w.t.Context())
		if errors.Is(err, io.EOF) {
			return keys
		}
		if err != nil {
			w.t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
}

// rows returns all rows, without their revisions.
func (w *world) rows() []Image {
	w.t.Helper()
	var rows []Image
	list := w.Images.Query().Get(w.t.Context())
	defer list.Stop()
	for {
		var row Image
		err := list.Next(w.t.Context(), &row)
		if errors.Is(err, io.EOF) {
			slices.SortFunc(rows, func(a, b Image) int { return strings.Compare(a.Key, b.Key) })
			return rows
		}
		if err != nil {
			w.t.Fatal(err)
		}
		row.DocstoreRevision = nil
		rows = append(rows, row)
	}
}

// version returns a picture that can be told from its other versions by size.
func version(t testing.TB, n int) []byte {
	m := image.NewGray(image.Rect(0, 0, 10+n, 10))
	m.SetGray(0, 0, color.Gray{200})
	return encode(t, m)
}

func TestThumbnail(t *testing.T) {
	w := newWorld(t)
	w.put("photos/a b.jpg", samples.Turned())
	w.mustHandle("photos/a b.jpg", "0055AED6DCD90281E5")

	want := []Image{{
		Key: "photos/a b.jpg", Service: "s3", Sequencer: "0055AED6DCD90281E5", Uploaded: uploaded, Owner: "ada@example.com",
		Format: "jpeg", Bytes: int64(len(samples.Turned())), Size: Size{480, 640},
		Thumbnail: "thumbnails/a b.jpg/0055AED6DCD90281E5.jpg", ThumbnailSize: Size{240, 320}, Announced: true,
	}}
	if diff := cmp.Diff(want, w.rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	got, err := w.Bucket.ReadAll(t.Context(), want[0].Thumbnail)
	if err != nil {
		t.Fatal(err)
	}
	thumb, _ := mustThumbnail(t, samples.Turned(), box)
	if !slices.Equal(got, thumb.Data) {
		t.Error("the thumbnail in the bucket is another")
	}
	attributes, err := w.Bucket.Attributes(t.Context(), want[0].Thumbnail)
	if err != nil || attributes.ContentType != "image/jpeg" {
		t.Errorf("the thumbnail is of type %q (%v)", attributes.ContentType, err)
	}

	if len(w.published) != 1 {
		t.Fatalf("published %d events, want 1", len(w.published))
	}
	e := w.published[0]
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.Type() != "image.processed" || e.Subject() != "photos/a b.jpg" || !e.Time().Equal(uploaded) {
		t.Errorf("published %v", e)
	}
	wantData := `{"picture":"photos/a b.jpg","size":{"width":480,"height":640},` +
		`"thumbnail":"thumbnails/a b.jpg/0055AED6DCD90281E5.jpg","thumbnailSize":{"width":240,"height":320}}`
	if diff := cmp.Diff(wantData, string(e.Data())); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// TestWithoutSequencer: nothing tells the order then; each event is taken for
// what is stored at its time.
func TestWithoutSequencer(t *testing.T) {
	// Rule B1.8: a sequencer is optional everywhere.
	const key = "photos/x.png"
	w := newWorld(t)
	w.put(key, version(t, 1))
	w.mustHandle(key, "")
	w.put(key, version(t, 2))
	w.mustHandle(key, "")
	w.mustHandle(key, "")
	rows := w.rows()
	if len(rows) != 1 || rows[0].Size.Width != 12 {
		t.Errorf("rows: %+v", rows)
	}
	digest := sha256.Sum256(version(t, 2))
	want := []string{fmt.Sprintf("thumbnails/x.png/%x.png", digest[:8])}
	if diff := cmp.Diff(want, w.keys(Thumbnails)); diff != "" || rows[0].Thumbnail != want[0] {
		t.Errorf("thumbnails (-want +got):\n%s\nthe row names %s", diff, rows[0].Thumbnail)
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i, name := range []string{
		"with space.png", "a+b.png", "50%2F50.png", "100%.png", "Zürich – 東京.png", "d/e//f.png", "..png", "?a=b&c#d.png", "\"'<>.png",
	} {
		w.put(Photos+name, version(t, i))
		w.mustHandle(Photos+name, "1")
		want = append(want, Thumbnails+name+"/1.png")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, w.keys(Thumbnails)); diff != "" {
		t.Errorf("thumbnails (-want +got):\n%s", diff)
	}
	if got := len(w.rows()); got != len(want) {
		t.Errorf("%d rows, want %d", got, len(want))
	}
}

func TestControlCharacterInKey(t *testing.T) {
	// Rule A1.7: no control characters in a subject.
	w := newWorld(t)
	const key = "photos/line\nfeed.png"
	w.put(key, version(t, 1))
	w.mustHandle(key, "1")
	if len(w.published) != 1 || w.published[0].Subject() != "" || w.published[0].Validate() != nil {
		t.Errorf("published %v", w.published)
	}
}

// TestNoLoop: what the handlers write does not make them write again.
func TestNoLoop(t *testing.T) {
	w := newWorld(t)
	w.put("photos/x.png", version(t, 1))
	w.mustHandle("photos/x.png", "1")
	if err := w.Print(t.Context(), ordered(Order{"o-1", "x.png", 1})); err != nil {
		t.Fatal(err)
	}
	before := w.keys("")
	for _, key := range before {
		if key != "photos/x.png" {
			w.mustHandle(key, "2")
		}
	}
	if diff := cmp.Diff(before, w.keys("")); diff != "" || len(w.rows()) != 1 || len(w.published) != 1 {
		t.Errorf("an output was taken as an input:\n%s", diff)
	}
	for _, output := range []string{Thumbnails, Prints} {
		if strings.HasPrefix(output, Photos) {
			t.Errorf("%s is below %s", output, Photos)
		}
	}
}

func TestDeletedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.mustHandle("photos/gone.png", "1")
	if len(w.rows())+len(w.published)+len(w.keys("")) != 0 {
		t.Error("something was made of a picture that is not there")
	}
}

// TestUnreadable: a bucket that cannot be read says nothing against the picture.
func TestUnreadable(t *testing.T) {
	w := newWorld(t)
	w.put("photos/x.png", version(t, 1))
	w.Bucket.Close()
	err := w.Thumbnail(t.Context(), upload("photos/x.png", "1"))
	if err == nil || permanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
}

func TestRejectedPicture(t *testing.T) {
	w := newWorld(t)
	w.MaxBytes = 4000
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"cut.png":  {samples.Deep()[:600], "truncated png: it ends after 600 bytes"},
		"bomb.png": {samples.Bomb(), "40000x40000 pixels: the limit is 50 million"},
		"long.jpg": {samples.Turned(), "the file of 5728 bytes is over the limit of 4000"},
	} {
		w.put(Photos+name, c.file)
		err := w.Thumbnail(t.Context(), upload(Photos+name, "1"))
		if err == nil || err.Error() != c.want || !permanent(err) {
			t.Errorf("%s: got %v, want %q, not to be tried again", name, err, c.want)
		}
	}
	if len(w.rows())+len(w.published)+len(w.keys(Thumbnails)) != 0 {
		t.Error("something was made of a picture that is at fault")
	}
}

// TestPublishFails: the next delivery publishes, though row and thumbnail are
// there already.
func TestPublishFails(t *testing.T) {
	w := newWorld(t)
	w.put("photos/x.png", version(t, 3))
	w.publish = errors.New("no connection")
	err := w.Thumbnail(t.Context(), upload("photos/x.png", "1"))
	if err == nil || permanent(err) {
		t.Errorf("got %v, want an error that is tried again", err)
	}
	w.mustHandle("photos/x.png", "1")
	w.mustHandle("photos/x.png", "1")
	if len(w.published) != 1 {
		t.Errorf("published %d events, want 1", len(w.published))
	}
	checkNewest(t, w, "photos/x.png", "1", "after a failure")
}

// permanent reads an error as a router does.
func permanent(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && p.Permanent()
}

// TestRow: a row says the same after the way through the table.
func TestRow(t *testing.T) {
	w := newWorld(t)
	want := Image{
		Key: "photos/ü.jpg", Service: "s3", Sequencer: "A0", Uploaded: uploaded, Owner: "o", Format: "jpeg", Bytes: 1 << 40,
		Size: Size{3, 4}, Thumbnail: "t", ThumbnailSize: Size{1, 2}, Announced: true,
	}
	if err := w.Images.Create(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	got, err := w.row(t.Context(), want.Key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(Image{}, "DocstoreRevision")); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if row, err := w.row(t.Context(), "photos/other.jpg"); row != nil || err != nil {
		t.Errorf("a row that is not there: %v, %v", row, err)
	}
}
