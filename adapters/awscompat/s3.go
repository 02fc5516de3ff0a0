package awscompat

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/eventfx"
)

// S3 matches the records of S3's own notifications, also those that came by
// way of a queue or a topic. S3's events on EventBridge are [EventBridge]'s.
type S3 struct {
	Bucket string // "" matches any
}

const s3Type = "com.amazonaws.s3."

// Match reports whether m is a record of an S3 notification of the bucket.
func (s S3) Match(m *eventfx.Message) bool {
	name, ok := strings.CutPrefix(m.Type(), s3Type)
	if !ok || isDetailType(name) {
		return false
	}
	return s.Bucket == "" || s.Bucket == bucketOf(m)
}

// isDetailType tells S3's two ways apart: without spaces, the detail types of
// EventBridge all begin with Object and have no colon.
func isDetailType(name string) bool {
	return strings.HasPrefix(name, "Object") && !strings.Contains(name, ":")
}

// bucketOf reads the bucket off the source, aws:s3.REGION.BUCKET. The
// eventSource of another store may have dots, so the record decides there.
func bucketOf(m *eventfx.Message) string {
	if rest, ok := strings.CutPrefix(m.Source(), "aws:s3."); ok {
		if _, bucket, ok := strings.Cut(rest, "."); ok && bucket != "" {
			return bucket
		}
	}
	var record struct {
		S3 struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
		} `json:"s3"`
	}
	if json.Unmarshal(m.DataEncoded, &record) != nil {
		return ""
	}
	return record.S3.Bucket.Name
}

// Decode returns the record. Two records that aws-lambda-go cannot read are
// read here: a key with an invalid escape is its own URLDecodedKey, and an
// eventTime without a zone is UTC.
func (s S3) Decode(m *eventfx.Message) (events.S3EventRecord, error) {
	var r s3Record
	if err := json.Unmarshal(m.DataEncoded, &r); err != nil {
		return events.S3EventRecord{}, fmt.Errorf("awscompat: S3 record: %w", err)
	}
	return r.event()
}

// String returns the source as it is written in Go.
func (s S3) String() string { return literal("S3", "Bucket", s.Bucket) }

// An s3Record is events.S3EventRecord without its methods of decoding.
type s3Record struct {
	events.S3EventRecord        // all but:
	EventTime            string `json:"eventTime"`
	S3                   struct {
		SchemaVersion   string          `json:"s3SchemaVersion"`
		ConfigurationID string          `json:"configurationId"`
		Bucket          events.S3Bucket `json:"bucket"`
		Object          plainObject     `json:"object"`
	} `json:"s3"`
}

type plainObject events.S3Object // without UnmarshalJSON

func (r *s3Record) event() (events.S3EventRecord, error) {
	out := r.S3EventRecord
	object := events.S3Object(r.S3.Object)
	if key, err := url.QueryUnescape(object.Key); err == nil {
		object.URLDecodedKey = key
	} else {
		object.URLDecodedKey = object.Key
	}
	out.S3 = events.S3Entity{
		SchemaVersion:   r.S3.SchemaVersion,
		ConfigurationID: r.S3.ConfigurationID,
		Bucket:          r.S3.Bucket,
		Object:          object,
	}
	if r.EventTime == "" {
		return out, nil
	}
	at, err := time.Parse(time.RFC3339, r.EventTime)
	if err != nil {
		if at, err = time.Parse("2006-01-02T15:04:05", r.EventTime); err != nil {
			return events.S3EventRecord{}, fmt.Errorf("awscompat: S3 record: eventTime: %w", err)
		}
	}
	out.EventTime = at
	return out, nil
}
