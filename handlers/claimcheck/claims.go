package claimcheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"
)

// Errors of data that cannot be fetched; both are permanent.
var (
	// ErrNotAllowed says that data is in no bucket that Claims.Allow names.
	ErrNotAllowed = errors.New("claimcheck: the data is in no bucket that may be read")

	// ErrGone says that data is no longer where the message says.
	ErrGone = errors.New("claimcheck: the data is gone: it has expired, or was deleted after an earlier success")
)

// Claims deposits data in a bucket, and fetches it. Its methods may be called
// from many goroutines at once; its fields must not be changed then.
type Claims struct {
	// Bucket is where Deposit puts data, and URL what it is called in a
	// dataref: "s3://claims". Only Deposit needs them.
	Bucket *blob.Bucket
	URL    string

	// Prefix begins the keys of what is deposited, such as "claims/".
	Prefix string

	// Threshold is the size of data, in bytes, from which on it is deposited. 0
	// means 200,000, which leaves SNS and EventBridge room for the rest.
	Threshold int

	// Allow has the buckets that may be read, by their URL: "s3://claims".
	// Pointers of the SQS Extended Client name a bucket of S3.
	Allow map[string]*blob.Bucket

	// Limit is the largest data, in bytes, that is fetched. 0 means 64 MiB.
	Limit int64
}

const (
	defaultThreshold = 200_000
	defaultLimit     = 64 << 20

	refExtension = "dataref"
)

// Deposit returns e as it is when its data is below the threshold; else it puts
// the data into the bucket and returns a copy that has a dataref in its place.
//
// The key is a hash of the event's source, id and data: depositing again
// changes nothing.
func (c *Claims) Deposit(ctx context.Context, e event.Event) (event.Event, error) {
	threshold := c.Threshold
	if threshold == 0 {
		threshold = defaultThreshold
	}
	if len(e.DataEncoded) < threshold {
		return e, nil
	}
	if c.Bucket == nil || c.URL == "" {
		return e, errors.New("claimcheck: Claims.Bucket and Claims.URL must be set to deposit data")
	}
	v1, ok := e.Context.(*event.EventContextV1)
	if !ok {
		return e, errors.New("claimcheck: the event is not of version 1.0")
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q ", e.Source(), e.ID())
	h.Write(e.DataEncoded)
	key := c.Prefix + hex.EncodeToString(h.Sum(nil))
	options := &blob.WriterOptions{ContentType: e.DataContentType(), DisableContentTypeDetection: true}
	if err := c.Bucket.WriteAll(ctx, key, e.DataEncoded, options); err != nil {
		return e, fmt.Errorf("claimcheck: deposit the data of %s: %w", e.ID(), err)
	}
	copied := *v1
	copied.Extensions = maps.Clone(v1.Extensions)
	if err := copied.SetExtension(refExtension, reference{c.URL, key}.String()); err != nil {
		return e, fmt.Errorf("claimcheck: Claims.URL %q and Claims.Prefix %q make no dataref: %w", c.URL, c.Prefix, err)
	}
	e.Context, e.DataEncoded = &copied, nil
	return e, nil
}
