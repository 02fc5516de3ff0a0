package awsevents

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf8"
)

// openS3 opens one record of an S3 notification.
func (o *opener) openS3(r *record, doc document, depth int) {
	parts := object(r.s3, "bucket", "object")
	bucketParts := object(parts[0], "name", "arn")
	objectParts := object(parts[1], "key", "versionId", "sequencer")
	bucket, arn := textOf(bucketParts[0]).String(), textOf(bucketParts[1]).String()
	key := textOf(objectParts[0]).String()
	version, sequencer := textOf(objectParts[1]).String(), textOf(objectParts[2]).String()
	name := r.name.String()

	switch {
	case r.s3 == nil:
		r.bad("s3", "is not there")
	case bucket == "":
		r.bad("s3.bucket.name", "is not there")
	case key == "":
		r.bad("s3.object.key", "is not there")
	case name == "":
		r.bad("eventName", "is not there")
	case !attributeText(bucket):
		r.bad("s3.bucket.name", "has a control character")
	case !attributeText(name):
		r.bad("eventName", "has a control character")
	}
	// The minor version only ever adds members.
	if major, _, _ := strings.Cut(r.version.String(), "."); r.version.ok && major != "2" {
		r.bad("eventVersion", "is "+clean(r.version.String())+": want 2.x")
	}
	when, ok := parseTime(r.time.String())
	if r.time.ok && !ok {
		r.bad("eventTime", "is no time")
	}
	if arn == "" && bucket != "" {
		arn = "arn:aws:s3:::" + bucket
	}
	if r.msg != "" {
		it := o.unreadable(r, doc, shapeS3, depth)
		it.msg.Origin.Name = bucket
		if arn != "" {
			it.msg.Origin.Address = arn
		}
		return
	}
	source := r.source.String()
	if source == "" {
		source = "aws:s3"
	}
	ids := object(r.response, "x-amz-request-id", "x-amz-id-2")
	it := o.add()
	it.ctx.ID = clean(o.format.s3ID(textOf(ids[0]).String(), textOf(ids[1]).String(), name, key, version, sequencer, r.time.String()))
	it.ctx.Type = "com.amazonaws.s3." + strings.TrimPrefix(name, "s3:")
	it.ctx.Source = o.uri(source + "." + r.region.String() + "." + bucket)
	if r.time.ok {
		it.time.Time = when
	}
	it.contentType = "application/json"
	it.msg.DataEncoded = doc.text[r.from:r.to:r.to]
	it.msg.Origin.ID = it.ctx.ID
	it.msg.Origin.Address = arn
	it.msg.Origin.Name = bucket
	if depth == 0 {
		o.records[len(o.records)-1] = it.ctx.ID
	}
	if o.format.StrictS3IDs {
		it.subject = clean(key)
		return
	}
	decoded, err := url.QueryUnescape(key)
	switch {
	case err != nil:
		// No key that S3 would send: keep it as it is, and say so.
		it.subject = clean(key)
		it.extend("s3rawkey", true)
	case !attributeText(decoded) || !utf8.ValidString(decoded):
		it.subject = clean(key)
	default:
		it.subject = decoded
	}
	o.orderS3(it, sequencer)
}

// s3ID returns the id of a record: the adapter's, which one request's records
// share, and what tells them apart. Stores that do not give request ids get
// one made of what they give; it is the same when the record comes again.
func (f *Format) s3ID(request, host, name, key, version, sequencer, when string) string {
	parts := []string{name, key, version, sequencer}
	if request == "" && host == "" {
		parts = append(parts, when)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	if request == "" && host == "" {
		return hex.EncodeToString(sum[:16])
	}
	id := request + "." + host
	if !f.StrictS3IDs {
		id += "." + hex.EncodeToString(sum[:8])
	}
	return id
}

// orderS3 sets the extensions by which events of one key are ordered.
func (o *opener) orderS3(it *item, sequencer string) {
	it.extend("partitionkey", it.subject)
	if sequencer == "" || o.format.OmitSequence {
		return
	}
	// AWS: pad the shorter one with zeros at its right end, then compare.
	padded := strings.ToUpper(sequencer)
	if len(padded) < 18 {
		padded += strings.Repeat("0", 18-len(padded))
	}
	it.extend("sequence", clean(padded))
}
