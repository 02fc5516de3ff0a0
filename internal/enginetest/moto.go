package enginetest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// moto is a moto server, and clients of it. It plays AWS for all scripts at
// once: the names of their resources differ.
type moto struct {
	endpoint string
	http     *http.Client
	sqs      *sqs.Client
	sns      *sns.Client
	s3       *s3.Client
	dynamodb *dynamodb.Client
	streams  *dynamodbstreams.Client

	server *exec.Cmd
	ended  chan error // capacity 1
}

// startMoto starts moto_server on a free port of this machine.
func startMoto() (*moto, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close() // moto takes a number, not a listener

	m := &moto{endpoint: "http://127.0.0.1:" + port, ended: make(chan error, 1)}
	m.server = exec.Command("moto_server", "-H", "127.0.0.1", "-p", port)
	// Any keys will do, but without them it does not answer.
	m.server.Env = append(m.server.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_DEFAULT_REGION="+memcloud.Region)
	if err := m.server.Start(); err != nil {
		return nil, err
	}
	go func() { m.ended <- m.server.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		response, err := http.Get(m.endpoint + "/moto-api/data.json")
		if err == nil {
			response.Body.Close()
			m.connect()
			return m, nil
		}
		select {
		case err := <-m.ended:
			return nil, fmt.Errorf("moto_server ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = m.stop()
	return nil, fmt.Errorf("moto_server does not answer at %s", m.endpoint)
}

// stop ends the server.
func (m *moto) stop() error {
	_ = m.server.Process.Kill() // it may have ended by itself
	select {
	case <-m.ended:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("moto_server, process %d, does not end", m.server.Process.Pid)
	}
}

// connect makes the clients. None tries anything twice: what a script sees is
// one answer.
func (m *moto) connect() {
	login := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
	})
	// moto closes each connection after its answer.
	m.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	c := aws.Config{
		Region: memcloud.Region, BaseEndpoint: aws.String(m.endpoint), Credentials: login, HTTPClient: m.http,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	m.sqs, m.sns = sqs.NewFromConfig(c), sns.NewFromConfig(c)
	m.s3 = s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	m.dynamodb, m.streams = dynamodb.NewFromConfig(c), dynamodbstreams.NewFromConfig(c)
}
