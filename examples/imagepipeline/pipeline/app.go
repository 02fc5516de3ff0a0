package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"
	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"

	"github.com/eventfx/eventfx-go/eventfx/object"
)

// The parts of the bucket. Pictures come in below one of them, and what is made
// of them goes below the others, so that no output is an input again.
const (
	Photos     = "photos/"
	Thumbnails = "thumbnails/"
	Prints     = "prints/"
)

// An App holds what its handlers work with. Its fields must be set before the
// first event and not changed after; its methods may then be called from many
// goroutines at once, and by many instances of the program.
type App struct {
	Bucket *blob.Bucket         // pictures, thumbnails and prints
	Images *docstore.Collection // of Image; the key is the field "key"

	// Publish sends an event to those who want to know of new thumbnails. A
	// nil error means that it was taken for good.
	Publish func(context.Context, event.Event) error

	// Send sends a mail.
	Send func(context.Context, Mail) error

	Box       Size  // what a thumbnail must fit in; zero: 320x320
	MaxPixels int   // of a picture; 0: 50 million
	MaxBytes  int64 // of a picture's file; 0: 64 MiB

	Log *slog.Logger // nil: slog.Default()
}

// An Image is what is known of a picture: a row of the table.
type Image struct {
	Key           string    `docstore:"key"`       // of the picture in the bucket
	Service       string    `docstore:"service"`   // that told of the upload,
	Sequencer     string    `docstore:"sequencer"` // and its word for the order of uploads; may be empty
	Uploaded      time.Time `docstore:"uploaded"`
	Owner         string    `docstore:"owner"` // from the object's metadata; who gets mail
	Format        string    `docstore:"format"`
	Bytes         int64     `docstore:"bytes"`
	Size          Size      `docstore:"size"`      // as shown
	Thumbnail     string    `docstore:"thumbnail"` // key of the thumbnail in the bucket
	ThumbnailSize Size      `docstore:"thumbnailsize"`

	// Announced says that ProcessedType was published for it.
	Announced bool `docstore:"announced"`

	DocstoreRevision any `json:"-"` // what makes a conditional write conditional
}

// Name returns the name that the picture was stored under.
func (i *Image) Name() string { return strings.TrimPrefix(i.Key, Photos) }

// compare returns -1, 0 or 1 when i is of an earlier, the same or a later upload
// of the picture than other; false when nothing tells their order.
func (i *Image) compare(other *Image) (order int, known bool) {
	change := func(i *Image) object.Change {
		return object.Change{Service: i.Service, Key: i.Key, Sequencer: i.Sequencer}
	}
	return change(i).Compare(change(other))
}

// ProcessedType is the type of the event that says that a picture has a
// thumbnail. Its data is a Processed.
const ProcessedType = "image.processed"

// Processed is the data of an event of ProcessedType.
type Processed struct {
	Picture       string `json:"picture"`
	Size          Size   `json:"size"`
	Thumbnail     string `json:"thumbnail"`
	ThumbnailSize Size   `json:"thumbnailSize"`
}

// processed returns the event for a row. Its id follows from the picture and
// its version, so that sent twice it is the same event.
func (i *Image) processed() (event.Event, error) {
	id := sha256.Sum256([]byte(i.Thumbnail))
	e := event.New()
	e.SetID(hex.EncodeToString(id[:16]))
	e.SetSource("/imagepipeline")
	e.SetType(ProcessedType)
	e.SetTime(i.Uploaded)
	if !strings.ContainsFunc(i.Key, unicode.IsControl) { // CloudEvents forbids them here; the data has the key
		e.SetSubject(i.Key)
	}
	err := e.SetData(event.ApplicationJSON, Processed{i.Key, i.Size, i.Thumbnail, i.ThumbnailSize})
	return e, err
}

// row returns the row of a picture, nil if there is none.
func (a *App) row(ctx context.Context, key string) (*Image, error) {
	row := &Image{Key: key}
	err := a.Images.Get(ctx, row)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the row of %q: %w", key, err)
	}
	return row, nil
}

// announce publishes that the picture of a row is processed, unless that was
// done. A crash in between repeats it, under the same id.
func (a *App) announce(ctx context.Context, row *Image) error {
	if row.Announced {
		return nil
	}
	e, err := row.processed()
	if err != nil {
		return err
	}
	if err := a.Publish(ctx, e); err != nil {
		return fmt.Errorf("publishing %s of %q: %w", ProcessedType, row.Key, err)
	}
	err = a.Images.Update(ctx, row, docstore.Mods{"announced": true})
	switch gcerrors.Code(err) {
	case gcerrors.OK, gcerrors.FailedPrecondition, gcerrors.NotFound: // else the row is of a newer upload by now
		return nil
	}
	return fmt.Errorf("marking %q as announced: %w", row.Key, err)
}

func (a *App) log() *slog.Logger {
	if a.Log != nil {
		return a.Log
	}
	return slog.Default()
}

func (a *App) box() Size {
	if a.Box == (Size{}) {
		return Size{320, 320}
	}
	return a.Box
}

func (a *App) maxPixels() int {
	if a.MaxPixels == 0 {
		return 50_000_000
	}
	return a.MaxPixels
}

func (a *App) maxBytes() int64 {
	if a.MaxBytes == 0 {
		return 64 << 20
	}
	return a.MaxBytes
}
