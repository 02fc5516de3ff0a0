package enginetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"gocloud.dev/docstore"
	"gocloud.dev/docstore/awsdynamodb/v2"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// motoTable is a table of DynamoDB, as moto plays it.
type motoTable struct {
	moto   *moto
	name   *string
	keys   [2]string
	stream *string
}

func (m *moto) table(name string, o *memcloud.TableOptions) (Table, error) {
	if o == nil {
		o = &memcloud.TableOptions{}
	}
	t := &motoTable{moto: m, name: &name, keys: [2]string{cmp.Or(o.Key, "id"), o.Sort}}
	input := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	add := func(key, kind, role string) {
		input.AttributeDefinitions = append(input.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &key, AttributeType: types.ScalarAttributeType(cmp.Or(kind, "S"))})
		input.KeySchema = append(input.KeySchema, types.KeySchemaElement{AttributeName: &key, KeyType: types.KeyType(role)})
	}
	add(t.keys[0], o.KeyType, "HASH")
	if o.Sort != "" {
		add(o.Sort, o.SortType, "RANGE")
	}
	if o.Stream != "" {
		input.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(o.Stream)}
	}
	made, err := m.dynamodb.CreateTable(context.Background(), input)
	if err != nil {
		return nil, err
	}
	t.stream = made.TableDescription.LatestStreamArn
	return t, nil
}

func (t *motoTable) Collection() *docstore.Collection {
	c, err := awsdynamodb.OpenCollection(t.moto.dynamodb, *t.name, t.keys[0], t.keys[1], &awsdynamodb.Options{AllowScans: true, ConsistentRead: true})
	if err != nil {
		panic(err) // it asks nobody
	}
	return c
}

func (t *motoTable) PutItem(ctx context.Context, item memcloud.Item) error {
	_, err := t.moto.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{TableName: t.name, Item: toAWS(item)})
	return err
}

func (t *motoTable) GetItem(ctx context.Context, key memcloud.Item) (memcloud.Item, error) {
	got, err := t.moto.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: t.name, Key: toAWS(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return fromAWS(got.Item), nil
}

func (t *motoTable) DeleteItem(ctx context.Context, key memcloud.Item) error {
	_, err := t.moto.dynamodb.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: t.name, Key: toAWS(key)})
	return err
}

func (t *motoTable) Changes(ctx context.Context) ([]Change, error) {
	described, err := t.moto.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: t.stream})
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, shard := range described.StreamDescription.Shards {
		begin, err := t.moto.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
			StreamArn: t.stream, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			return nil, err
		}
		for iterator := begin.ShardIterator; iterator != nil; {
			got, err := t.moto.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
			if err != nil {
				return nil, err
			}
			for _, r := range got.Records {
				d := r.Dynamodb
				changes = append(changes, Change{
					ID: aws.ToString(r.EventID), Name: string(r.EventName), Region: aws.ToString(r.AwsRegion),
					StreamARN: *t.stream, // which the record itself does not say
					Sequence:  aws.ToString(d.SequenceNumber), View: string(d.StreamViewType),
					Keys: fromAWS(d.Keys), New: fromAWS(d.NewImage), Old: fromAWS(d.OldImage),
					Created: d.ApproximateCreationDateTime != nil, Size: aws.ToInt64(d.SizeBytes),
				})
			}
			if iterator = got.NextShardIterator; len(got.Records) == 0 {
				break // an open shard has no end
			}
		}
	}
	return changes, nil
}

// toAWS returns an item in the SDK's types.
func toAWS(item memcloud.Item) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		m[name] = toAWSValue(v)
	}
	return m
}

func toAWSValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: string(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i, e := range v {
			list[i] = toAWSValue(e)
		}
		return &types.AttributeValueMemberL{Value: list}
	case memcloud.Item:
		return &types.AttributeValueMemberM{Value: toAWS(v)}
	case memcloud.StringSet:
		return &types.AttributeValueMemberSS{Value: v}
	case memcloud.NumberSet:
		set := make([]string, len(v))
		for i, n := range v {
			set[i] = string(n)
		}
		return &types.AttributeValueMemberNS{Value: set}
	case memcloud.BinarySet:
		return &types.AttributeValueMemberBS{Value: v}
	}
	panic(fmt.Sprintf("a %T is no attribute value", v))
}

// fromAWS returns what the SDK or its twin for streams gave as an item.
func fromAWS[V any](m map[string]V) memcloud.Item {
	if m == nil {
		return nil
	}
	item := memcloud.Item{}
	for name, v := range m {
		item[name] = fromAWSValue(v)
	}
	return item
}

func fromAWSValue(v any) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *streamtypes.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *streamtypes.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *streamtypes.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *streamtypes.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberNULL, *streamtypes.AttributeValueMemberNULL:
		return nil
	case *types.AttributeValueMemberL:
		return listFromAWS(v.Value)
	case *streamtypes.AttributeValueMemberL:
		return listFromAWS(v.Value)
	case *types.AttributeValueMemberM:
		return fromAWS(v.Value)
	case *streamtypes.AttributeValueMemberM:
		return fromAWS(v.Value)
	case *types.AttributeValueMemberSS:
		return memcloud.StringSet(slices.Sorted(slices.Values(v.Value)))
	case *streamtypes.AttributeValueMemberSS:
		return memcloud.StringSet(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return numbersFromAWS(v.Value)
	case *streamtypes.AttributeValueMemberNS:
		return numbersFromAWS(v.Value)
	case *types.AttributeValueMemberBS:
		return memcloud.BinarySet(v.Value)
	case *streamtypes.AttributeValueMemberBS:
		return memcloud.BinarySet(v.Value)
	}
	panic(fmt.Sprintf("a %T is no attribute value", v))
}

func listFromAWS[V any](values []V) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = fromAWSValue(v)
	}
	return list
}

func numbersFromAWS(values []string) memcloud.NumberSet {
	set := make(memcloud.NumberSet, len(values))
	for i, n := range values {
		set[i] = json.Number(n)
	}
	slices.SortFunc(set, func(a, b json.Number) int { // as memcloud does
		x, _ := a.Float64()
		y, _ := b.Float64()
		return cmp.Compare(x, y)
	})
	return set
}
