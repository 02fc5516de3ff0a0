package awspayload

import (
	"strconv"
	"strings"
	"time"
)

// An S3Record is one change of one object. It gives both a notification's
// record and the detail of S3's event on EventBridge.
type S3Record struct {
	Region          string
	Time            time.Time
	Name            string // "ObjectCreated:Put", without the prefix "s3:"
	ConfigurationID string
	RequestID       string
	HostID          string // x-amz-id-2
	Principal       string // "AWS:AIDA…"
	SourceIP        string
	Owner           string // principal of the bucket's owner

	Bucket    string
	Key       string // as the user wrote it: it is encoded here
	Size      *int64 // nil: left out, as for deletes
	ETag      string // without quotes
	VersionID string
	Sequencer string

	// What some names have besides. "" and zero: left out.
	StorageClass  string    // LifecycleTransition: the new one; ObjectRestore:Completed: that of the copy's source
	AccessTier    string    // IntelligentTiering: "ARCHIVE_ACCESS" or "DEEP_ARCHIVE_ACCESS"
	RestoreExpiry time.Time // ObjectRestore:Completed: when the copy goes
}

// S3EventNames returns the event names that S3's notifications and its events
// on EventBridge have in common, in byte order.
func S3EventNames() []string { return sorted(s3Details) }

// AppendS3Event appends a notification. S3 sends one record in each.
func AppendS3Event(dst []byte, records []S3Record) []byte {
	dst = append(dst, `{"Records":[`...)
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendS3Record(dst, &records[i])
	}
	return append(dst, `]}`...)
}

func appendS3Record(dst []byte, r *S3Record) []byte {
	dst = append(dst, `{"eventVersion":"`...)
	dst = append(dst, s3Version(r.Name)...)
	dst = append(dst, `","eventSource":"aws:s3"`...)
	dst = appendText(dst, "awsRegion", r.Region)
	dst = appendTime(dst, "eventTime", r.Time, milliseconds)
	dst = appendText(dst, "eventName", r.Name)
	dst = append(appendMember(dst, "userIdentity"), '{')
	dst = append(appendText(dst, "principalId", r.Principal), '}')
	dst = append(appendMember(dst, "requestParameters"), '{')
	dst = append(appendText(dst, "sourceIPAddress", r.SourceIP), '}')
	dst = append(appendMember(dst, "responseElements"), '{')
	dst = appendText(dst, "x-amz-request-id", r.RequestID)
	dst = append(appendText(dst, "x-amz-id-2", r.HostID), '}')

	dst = append(appendMember(dst, "s3"), '{')
	dst = appendText(dst, "s3SchemaVersion", "1.0")
	dst = appendText(dst, "configurationId", r.ConfigurationID)
	dst = append(appendMember(dst, "bucket"), '{')
	dst = appendText(dst, "name", r.Bucket)
	dst = append(appendMember(dst, "ownerIdentity"), '{')
	dst = append(appendText(dst, "principalId", r.Owner), '}')
	dst = append(appendText(dst, "arn", "arn:aws:s3:::"+r.Bucket), '}')
	dst = append(appendMember(dst, "object"), '{')
	dst = append(appendMember(dst, "key"), '"')
	dst = append(AppendS3Key(dst, r.Key), '"')
	if r.Size != nil {
		dst = strconv.AppendInt(appendMember(dst, "size"), *r.Size, 10)
	}
	dst = appendOptional(dst, "eTag", r.ETag)
	dst = appendOptional(dst, "versionId", r.VersionID)
	dst = appendOptional(dst, "sequencer", r.Sequencer)
	return append(appendS3Extra(append(dst, `}}`...), r), '}')
}

// s3Version is 2.1 but for the names that came with 2.3.
func s3Version(name string) string {
	switch kind, rest, _ := strings.Cut(name, ":"); kind {
	case "LifecycleExpiration", "LifecycleTransition", "IntelligentTiering", "ObjectAcl", "ObjectTagging":
		return "2.3"
	case "ObjectRestore":
		if rest == "Delete" {
			return "2.3"
		}
	}
	return "2.1"
}

// appendS3Extra appends the members that only some names have.
func appendS3Extra(dst []byte, r *S3Record) []byte {
	switch {
	case !r.RestoreExpiry.IsZero():
		dst = append(dst, `,"glacierEventData":{"restoreEventData":{`...)
		dst = appendTime(dst, "lifecycleRestorationExpiryTime", r.RestoreExpiry, milliseconds)
		dst = append(appendText(dst, "lifecycleRestoreStorageClass", r.StorageClass), `}}`...)
	case r.StorageClass != "":
		dst = append(dst, `,"lifecycleEventData":{"transitionEventData":{`...)
		dst = append(appendText(dst, "destinationStorageClass", r.StorageClass), `}}`...)
	}
	if r.AccessTier != "" {
		dst = append(dst, `,"intelligentTieringEventData":{`...)
		dst = append(appendText(dst, "destinationAccessTier", r.AccessTier), '}')
	}
	return dst
}

// AppendS3Key appends an object's key as notifications write it: a space is
// "+", a slash stays, hexadecimal digits are upper case.
func AppendS3Key(dst []byte, key string) []byte {
	const upper = "0123456789ABCDEF"
	for i := range len(key) {
		c := key[i]
		switch {
		case c == ' ':
			dst = append(dst, '+')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '*', c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upper[c>>4], upper[c&15])
		}
	}
	return dst
}

// AppendS3TestEvent appends what S3 sends to a queue or a topic when a
// notification configuration is set.
func AppendS3TestEvent(dst []byte, t time.Time, bucket, requestID, hostID string) []byte {
	dst = append(dst, `{"Service":"Amazon S3","Event":"s3:TestEvent"`...)
	dst = appendTime(dst, "Time", t, milliseconds)
	dst = appendText(dst, "Bucket", bucket)
	dst = appendText(dst, "RequestId", requestID)
	dst = appendText(dst, "HostId", hostID)
	return append(dst, '}')
}

// AppendS3EventBridge appends r as the event that S3 puts on the default bus.
// id is the envelope's. A Name without a counterpart there gives an envelope
// with the Name as its detail type.
func AppendS3EventBridge(dst []byte, id, account string, r *S3Record) []byte {
	kind := s3Detail(r.Name)
	e := &Envelope{
		ID: id, DetailType: kind.detailType, Source: "aws.s3", Account: account, Time: r.Time,
		Region: r.Region, Resources: []string{"arn:aws:s3:::" + r.Bucket},
	}
	d := append(e.Detail, `{"version":"0"`...)
	d = append(appendMember(d, "bucket"), '{')
	d = append(appendText(d, "name", r.Bucket), '}')
	d = append(appendMember(d, "object"), '{')
	d = appendText(d, "key", r.Key) // not encoded here
	if r.Size != nil {
		d = strconv.AppendInt(appendMember(d, "size"), *r.Size, 10)
	}
	d = appendOptional(d, "etag", r.ETag)
	d = appendOptional(d, "version-id", r.VersionID)
	d = appendOptional(d, "sequencer", r.Sequencer)
	d = append(d, '}')
	d = appendText(d, "request-id", r.RequestID)
	d = appendText(d, "requester", account)
	d = appendOptional(d, "source-ip-address", r.SourceIP)
	d = appendOptional(d, "reason", kind.reason)
	d = appendOptional(d, "deletion-type", kind.deletion)
	switch {
	case !r.RestoreExpiry.IsZero():
		d = appendTime(d, "restore-expiry-time", r.RestoreExpiry, seconds)
		d = appendText(d, "source-storage-class", r.StorageClass)
	case r.StorageClass != "":
		d = appendText(d, "destination-storage-class", r.StorageClass)
	}
	d = appendOptional(d, "destination-access-tier", r.AccessTier)
	e.Detail = append(d, '}')
	return AppendEnvelope(dst, e)
}

type s3DetailKind struct{ detailType, reason, deletion string }

var s3Details = map[string]s3DetailKind{
	"ObjectCreated:Put":                       {"Object Created", "PutObject", ""},
	"ObjectCreated:Post":                      {"Object Created", "POST Object", ""},
	"ObjectCreated:Copy":                      {"Object Created", "CopyObject", ""},
	"ObjectCreated:CompleteMultipartUpload":   {"Object Created", "CompleteMultipartUpload", ""},
	"ObjectRemoved:Delete":                    {"Object Deleted", "DeleteObject", "Permanently Deleted"},
	"ObjectRemoved:DeleteMarkerCreated":       {"Object Deleted", "DeleteObject", "Delete Marker Created"},
	"LifecycleExpiration:Delete":              {"Object Deleted", "Lifecycle Expiration", "Permanently Deleted"},
	"LifecycleExpiration:DeleteMarkerCreated": {"Object Deleted", "Lifecycle Expiration", "Delete Marker Created"},
	"ObjectRestore:Post":                      {"Object Restore Initiated", "", ""},
	"ObjectRestore:Completed":                 {"Object Restore Completed", "", ""},
	"ObjectRestore:Delete":                    {"Object Restore Expired", "", ""},
	"ObjectAcl:Put":                           {"Object ACL Updated", "", ""},
	"ObjectTagging:Put":                       {"Object Tags Added", "", ""},
	"ObjectTagging:Delete":                    {"Object Tags Deleted", "", ""},
	"LifecycleTransition":                     {"Object Storage Class Changed", "", ""},
	"IntelligentTiering":                      {"Object Access Tier Changed", "", ""},
}

func s3Detail(name string) s3DetailKind {
	if kind, ok := s3Details[strings.TrimPrefix(name, "s3:")]; ok {
		return kind
	}
	return s3DetailKind{detailType: name}
}
