package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// motoBucket is a bucket of S3, as moto plays it.
type motoBucket struct {
	moto          *moto
	name          *string
	notifications types.NotificationConfiguration
}

func (m *moto) bucket(name string, o *memcloud.BucketOptions) (Bucket, error) {
	ctx := context.Background()
	_, err := m.s3.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: memcloud.Region},
	})
	if err == nil && o != nil && o.Versioned {
		_, err = m.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
	}
	b := &motoBucket{moto: m, name: &name}
	if err == nil && o != nil && o.EventBridge {
		b.notifications.EventBridgeConfiguration = &types.EventBridgeConfiguration{}
		_, err = m.s3.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
			Bucket: &name, NotificationConfiguration: &b.notifications,
		})
	}
	return b, err
}

func (b *motoBucket) Portable() *blob.Bucket {
	bucket, err := s3blob.OpenBucket(context.Background(), b.moto.s3, *b.name, nil)
	if err != nil {
		panic(err) // it needs a client and a name, and has them
	}
	return bucket
}

func (b *motoBucket) PutObject(ctx context.Context, o memcloud.Object, c memcloud.Condition) (memcloud.Object, error) {
	input := &s3.PutObjectInput{
		Bucket: b.name, Key: &o.Key, Body: bytes.NewReader(o.Data), Metadata: o.Metadata,
		ContentType: optional(o.ContentType), ContentEncoding: optional(o.ContentEncoding), ContentLanguage: optional(o.ContentLanguage),
		ContentDisposition: optional(o.ContentDisposition), CacheControl: optional(o.CacheControl),
		IfMatch: optional(c.IfMatch),
	}
	if c.IfNoneMatch {
		input.IfNoneMatch = aws.String("*")
	}
	put, err := b.moto.s3.PutObject(ctx, input)
	if err != nil {
		return memcloud.Object{}, err
	}
	o.ETag, o.VersionID = tag(put.ETag), aws.ToString(put.VersionId)
	return o, nil
}

// tag is an entity tag without its quotes.
func tag(s *string) string { return strings.Trim(aws.ToString(s), `"`) }

func (b *motoBucket) GetObject(ctx context.Context, key, version string) (memcloud.Object, error) {
	got, err := b.moto.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: b.name, Key: &key, VersionId: optional(version)})
	if err != nil {
		return memcloud.Object{}, err
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	return memcloud.Object{
		Key: key, Data: data, Size: int64(len(data)), ETag: tag(got.ETag), VersionID: aws.ToString(got.VersionId),
		Metadata: got.Metadata, ContentType: aws.ToString(got.ContentType), ContentEncoding: aws.ToString(got.ContentEncoding),
		ContentLanguage: aws.ToString(got.ContentLanguage), ContentDisposition: aws.ToString(got.ContentDisposition),
		CacheControl: aws.ToString(got.CacheControl),
	}, err
}

func (b *motoBucket) CopyObject(ctx context.Context, key, from string) (memcloud.Object, error) {
	copied, err := b.moto.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b.name, Key: &key, CopySource: aws.String(*b.name + "/" + from)})
	if err != nil {
		return memcloud.Object{}, err
	}
	return memcloud.Object{Key: key, ETag: tag(copied.CopyObjectResult.ETag), VersionID: aws.ToString(copied.VersionId)}, nil
}

func (b *motoBucket) DeleteObject(ctx context.Context, key, version string) error {
	_, err := b.moto.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b.name, Key: &key, VersionId: optional(version)})
	return err
}

func (b *motoBucket) DeleteObjects(ctx context.Context, objects ...memcloud.ObjectVersion) error {
	list := &types.Delete{}
	for _, o := range objects {
		list.Objects = append(list.Objects, types.ObjectIdentifier{Key: &o.Key, VersionId: optional(o.VersionID)})
	}
	_, err := b.moto.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b.name, Delete: list})
	return err
}

func (b *motoBucket) PutBucketVersioning(ctx context.Context, enabled bool) error {
	status := types.BucketVersioningStatusSuspended
	if enabled {
		status = types.BucketVersioningStatusEnabled
	}
	_, err := b.moto.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: b.name, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	return err
}

func (b *motoBucket) PutObjectTagging(ctx context.Context, key, version string, tags map[string]string) error {
	set := &types.Tagging{TagSet: []types.Tag{}}
	for name, value := range tags {
		set.TagSet = append(set.TagSet, types.Tag{Key: &name, Value: &value})
	}
	_, err := b.moto.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: b.name, Key: &key, VersionId: optional(version), Tagging: set})
	return err
}

func (b *motoBucket) DeleteObjectTagging(ctx context.Context, key, version string) error {
	_, err := b.moto.s3.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: b.name, Key: &key, VersionId: optional(version)})
	return err
}

func (b *motoBucket) CreateMultipartUpload(ctx context.Context, o memcloud.Object) (string, error) {
	begun, err := b.moto.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: b.name, Key: &o.Key, ContentType: optional(o.ContentType), Metadata: o.Metadata,
	})
	if err != nil {
		return "", err
	}
	return *begun.UploadId, nil
}

func (b *motoBucket) UploadPart(ctx context.Context, key, uploadID string, number int, data []byte) (string, error) {
	part, err := b.moto.s3.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: b.name, Key: &key, UploadId: &uploadID, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(data),
	})
	if err != nil {
		return "", err
	}
	return tag(part.ETag), nil
}

func (b *motoBucket) CompleteMultipartUpload(ctx context.Context, key, uploadID string, parts []memcloud.Part, c memcloud.Condition) (memcloud.Object, error) {
	input := &s3.CompleteMultipartUploadInput{
		Bucket: b.name, Key: &key, UploadId: &uploadID, IfMatch: optional(c.IfMatch), MultipartUpload: &types.CompletedMultipartUpload{},
	}
	if c.IfNoneMatch {
		input.IfNoneMatch = aws.String("*")
	}
	for _, p := range parts {
		input.MultipartUpload.Parts = append(input.MultipartUpload.Parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(p.Number)), ETag: aws.String(`"` + p.ETag + `"`),
		})
	}
	done, err := b.moto.s3.CompleteMultipartUpload(ctx, input)
	if err != nil {
		return memcloud.Object{}, err
	}
	return memcloud.Object{Key: key, ETag: tag(done.ETag), VersionID: aws.ToString(done.VersionId)}, nil
}

func (b *motoBucket) AbortMultipartUpload(ctx context.Context, key, uploadID string) error {
	_, err := b.moto.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b.name, Key: &key, UploadId: &uploadID})
	return err
}

func (b *motoBucket) Versions(ctx context.Context, key string) ([]memcloud.Object, error) {
	list, err := b.moto.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b.name, Prefix: &key})
	if err != nil {
		return nil, err
	}
	var versions []memcloud.Object
	for _, m := range list.DeleteMarkers { // the latest, where a script looks
		versions = append(versions, memcloud.Object{Key: *m.Key, VersionID: aws.ToString(m.VersionId), DeleteMarker: true})
	}
	for _, v := range list.Versions {
		versions = append(versions, memcloud.Object{Key: *v.Key, VersionID: aws.ToString(v.VersionId), ETag: tag(v.ETag), Size: aws.ToInt64(v.Size)})
	}
	return versions, nil
}

// Notify adds to the configurations: S3 takes all at once.
func (b *motoBucket) Notify(target any, n memcloud.Notification) error {
	c := b.notifications
	events := []types.Event{}
	for _, e := range n.Events {
		events = append(events, types.Event(e))
	}
	if len(events) == 0 {
		events = append(events, "s3:ObjectCreated:*")
	}
	key := &types.S3KeyFilter{}
	for _, rule := range [][2]string{{"prefix", n.Prefix}, {"suffix", n.Suffix}} {
		if rule[1] != "" {
			key.FilterRules = append(key.FilterRules, types.FilterRule{Name: types.FilterRuleName(rule[0]), Value: &rule[1]})
		}
	}
	filter := &types.NotificationConfigurationFilter{Key: key}
	if len(key.FilterRules) == 0 {
		filter = nil
	}
	switch target := target.(type) {
	case *motoQueue:
		c.QueueConfigurations = append(c.QueueConfigurations[:len(c.QueueConfigurations):len(c.QueueConfigurations)],
			types.QueueConfiguration{QueueArn: aws.String(target.ARN()), Events: events, Filter: filter, Id: optional(n.ID)})
	case *motoTopic:
		c.TopicConfigurations = append(c.TopicConfigurations[:len(c.TopicConfigurations):len(c.TopicConfigurations)],
			types.TopicConfiguration{TopicArn: target.arn, Events: events, Filter: filter, Id: optional(n.ID)})
	default:
		return fmt.Errorf("a %T takes no events", target)
	}
	_, err := b.moto.s3.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: b.name, NotificationConfiguration: &c,
	})
	if err == nil {
		b.notifications = c
	}
	return err
}
