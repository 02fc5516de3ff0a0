package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const region = "eu-west-1"

// credentials are what moto takes: any.
var credentials = []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=" + region, "AWS_EC2_METADATA_DISABLED=true"}

// An engine is a moto server: S3, DynamoDB and SQS by their real protocols.
type engine struct {
	t        *testing.T
	endpoint string
}

// startEngine starts moto, and stops it when the test is over. Where moto is
// not installed the test fails; a developer may set EVENTFX_ENGINES=optional to
// go without.
func startEngine(t *testing.T) *engine {
	t.Helper()
	e, err := tryEngine(t)
	switch {
	case err == nil:
		return e
	case os.Getenv("EVENTFX_ENGINES") == "optional" && os.Getenv("CI") != "true":
		t.Skipf("NOT TESTED against S3, DynamoDB and SQS: moto does not start, and EVENTFX_ENGINES=optional allows that: %v", err)
	default:
		t.Fatalf("moto does not start: %v\npip install 'moto[server]', or set EVENTFX_ENGINES=optional to go without", err)
	}
	return nil
}

func tryEngine(t *testing.T) (*engine, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close() // moto takes a number, not a listener

	server := exec.Command("moto_server", "-H", "127.0.0.1", "-p", port)
	server.Env = append(server.Environ(), credentials...)
	if err := server.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended by itself
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("moto does not end")
		}
	})

	e := &engine{t: t, endpoint: "http://127.0.0.1:" + port}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		response, err := http.Get(e.endpoint + "/moto-api/data.json")
		if err == nil {
			response.Body.Close()
			return e, nil
		}
		select {
		case err := <-ended:
			ended <- err
			return nil, fmt.Errorf("moto_server ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("moto_server does not answer at %s", e.endpoint)
}

// resources makes what the function needs, and returns its environment.
func (e *engine) resources(ctx context.Context) map[string]string {
	e.t.Helper()
	must := func(err error) {
		e.t.Helper()
		if err != nil {
			e.t.Fatal(err)
		}
	}
	login := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
	})
	endpoint := aws.String(e.endpoint)

	_, err := s3.New(s3.Options{Region: region, BaseEndpoint: endpoint, Credentials: login, UsePathStyle: true}).
		CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket:                    aws.String("pictures"),
			CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
		})
	must(err)
	_, err = dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: endpoint, Credentials: login}).
		CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName:            aws.String("images"),
			BillingMode:          dynamodbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: "S"}},
			KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: "HASH"}},
		})
	must(err)
	queues := sqs.New(sqs.Options{Region: region, BaseEndpoint: endpoint, Credentials: login})
	for _, name := range []string{"processed", "dead-letters"} {
		_, err = queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name)})
		must(err)
	}

	at := "region=" + region + "&endpoint=" + url.QueryEscape(e.endpoint)
	return map[string]string{
		"BUCKET_URL":       "s3://pictures?" + at + "&use_path_style=true",
		"TABLE_URL":        "dynamodb://images?partition_key=key&" + at,
		"TOPIC_URL":        e.queueURL("processed") + "?" + at,
		"DEAD_LETTERS_URL": e.queueURL("dead-letters") + "?" + at,
	}
}

func (e *engine) queueURL(name string) string {
	return "awssqs://" + e.endpoint[len("http://"):] + "/123456789012/" + name
}
