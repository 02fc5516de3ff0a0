package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

// Thumbnail makes the thumbnail and the row of a picture that was stored, and
// tells of it.
//
// Notifications come more than once and out of order. The row holds the
// sequencer of the upload that it tells of, and is only ever replaced by a
// later one, with a condition, so that two instances at once cannot both win.
// Each upload's thumbnail has a name of its own: who comes late overwrites
// nothing, and who loses removes what it wrote.
//
// A picture that is at fault is a Rejected error. What could not be read or
// written is worth another try.
func (a *App) Thumbnail(ctx context.Context, e eventfx.Event[object.Change]) error {
	key := e.Data.Key
	next := &Image{Key: key, Service: e.Data.Service, Sequencer: e.Data.Sequencer, Uploaded: e.Time().UTC()}
	if !strings.HasPrefix(key, Photos) { // a trigger that is set too wide must not loop
		a.skip(ctx, key, "it is not below "+Photos)
		return nil
	}
	row, err := a.row(ctx, key)
	if err != nil {
		return err
	}
	if row != nil {
		switch c, known := row.compare(next); {
		case known && c > 0:
			a.skip(ctx, key, "a later upload is done")
			return nil
		case known && c == 0 && row.Announced:
			a.skip(ctx, key, "it is done already")
			return nil
		case known && c == 0: // what was done before did not come to its end
			return a.announce(ctx, row)
		}
	}

	file, owner, err := a.read(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		a.skip(ctx, key, "it was deleted meanwhile")
		return nil
	}
	if err != nil {
		return err
	}
	thumb, err := thumbnailOf(file, a.box(), a.maxPixels())
	if err != nil {
		return err
	}
	next.Owner, next.Format, next.Bytes, next.Size = owner, thumb.Format, int64(len(file)), thumb.Of
	next.Thumbnail, next.ThumbnailSize = thumbnailKey(next, file), thumb.Size
	err = a.Bucket.WriteAll(ctx, next.Thumbnail, thumb.Data, &blob.WriterOptions{ContentType: "image/" + thumb.Format})
	if err != nil {
		return fmt.Errorf("writing the thumbnail of %q: %w", key, err)
	}
	row, err = a.store(ctx, row, next)
	if err != nil || row == nil {
		return err
	}
	a.log().InfoContext(ctx, "thumbnail", "key", key, "of", row.Size, "size", row.ThumbnailSize, "as", row.Thumbnail)
	return a.announce(ctx, row)
}

// read returns the file of a picture and the owner that its metadata names. An
// error of the code NotFound means that it is not there.
func (a *App) read(ctx context.Context, key string) (file []byte, owner string, err error) {
	attributes, err := a.Bucket.Attributes(ctx, key)
	if err != nil {
		return nil, "", fmt.Errorf("reading %q: %w", key, err)
	}
	r, err := a.Bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", fmt.Errorf("reading %q: %w", key, err)
	}
	defer r.Close()
	if r.Size() > a.maxBytes() {
		return nil, "", rejectf("the file of %d bytes is over the limit of %d", r.Size(), a.maxBytes())
	}
	if file, err = io.ReadAll(r); err != nil {
		return nil, "", fmt.Errorf("reading %q: %w", key, err)
	}
	return file, attributes.Metadata["owner"], nil
}

// store writes the row next in the place of row, which was read before and may
// be nil, and returns the one that then stands for the upload: nil when the row
// is of a later upload by now. Thumbnails that no row names go.
func (a *App) store(ctx context.Context, row, next *Image) (*Image, error) {
	for range 10 { // of several writers at once, one wins each round
		if row != nil {
			switch c, known := row.compare(next); {
			case known && c > 0:
				a.skip(ctx, next.Key, "a later upload was quicker")
				a.remove(ctx, next.Thumbnail, row.Thumbnail)
				return nil, nil
			case known && c == 0: // delivered to two instances at once
				return row, nil
			}
		}
		err := a.write(ctx, row, next)
		switch gcerrors.Code(err) {
		case gcerrors.OK:
			if row != nil {
				a.remove(ctx, row.Thumbnail, next.Thumbnail)
			}
			return next, nil
		case gcerrors.AlreadyExists, gcerrors.FailedPrecondition, gcerrors.NotFound:
			if row, err = a.row(ctx, next.Key); err != nil {
				return nil, err
			}
			continue
		}
		return nil, fmt.Errorf("writing the row of %q: %w", next.Key, err)
	}
	return nil, fmt.Errorf("writing the row of %q: too many writers at once", next.Key)
}

// write puts next in the place of row, on the condition that this is still the
// row; nil means that there is none.
func (a *App) write(ctx context.Context, row, next *Image) error {
	if row == nil {
		next.DocstoreRevision = nil
		return a.Images.Create(ctx, next)
	}
	next.DocstoreRevision = row.DocstoreRevision
	return a.Images.Replace(ctx, next)
}

// remove deletes a thumbnail that no row names, unless it is the one to keep.
// One that cannot be deleted is left behind and does no harm.
func (a *App) remove(ctx context.Context, thumbnail, keep string) {
	if thumbnail == keep {
		return
	}
	err := a.Bucket.Delete(ctx, thumbnail)
	if code := gcerrors.Code(err); code != gcerrors.OK && code != gcerrors.NotFound {
		a.log().WarnContext(ctx, "left behind", "key", thumbnail, "err", err)
	}
}

func (a *App) skip(ctx context.Context, key, why string) {
	a.log().InfoContext(ctx, "skipped", "key", key, "why", why)
}

// thumbnailKey returns the key of a thumbnail: the picture's, and in the place
// of a version the sequencer, or a digest of the file where a store has none.
func thumbnailKey(i *Image, file []byte) string {
	version := strings.ToUpper(i.Sequencer)
	if version == "" {
		digest := sha256.Sum256(file)
		version = hex.EncodeToString(digest[:8])
	}
	extension := map[string]string{"jpeg": ".jpg", "png": ".png"}[i.Format]
	return Thumbnails + i.Name() + "/" + version + extension
}
