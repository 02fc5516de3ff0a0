package awsevents

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublished opens the sample payloads that AWS publishes with
// aws-lambda-go, where that module lies: they were not written by who wrote
// this package.
func TestPublished(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	samples := filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata")
	for _, tt := range []struct {
		file, source string
		types        string
		err          string // of a record
	}{
		{file: "sqs-event.json", source: "sqs", types: "com.amazonaws.sqs.message"},
		{file: "s3-event.json", source: "s3", types: "com.amazonaws.s3.ObjectCreated:Put"},
		{file: "s3-lifecycle-event.json", source: "s3", types: "com.amazonaws.s3.LifecycleTransition"},
		{file: "s3-restore-event.json", source: "s3", types: "com.amazonaws.s3.ObjectRestore:Completed"},
		{file: "sns-event.json", source: "sns", types: "com.amazonaws.sns.Notification"},
		{file: "cloudwatch-alarm-sns-payload-single-metric.json", source: "sns", types: "com.amazonaws.sns.Notification"},
		{file: "codebuild-state-change.json", source: "eventbridge", types: "com.amazonaws.events.CodeBuild Build State Change"},
		{file: "ecr-image-push-event.json", source: "eventbridge", types: "com.amazonaws.events.ECR Image Action"},
		{file: "dynamodb-time-window-event.json", source: "dynamodb", types: "com.amazonaws.dynamodb.INSERT com.amazonaws.dynamodb.MODIFY com.amazonaws.dynamodb.REMOVE"},
		// Its second record repeats the number of the first, which no stream
		// does: a failure of one could not be told from that of the other.
		{file: "dynamodb-event.json", source: "dynamodb", types: "com.amazonaws.dynamodb.INSERT dev.eventfx.deadletter.raw", err: "SequenceNumber is that of an earlier record"},
		{file: "kinesis-event.json", source: "kinesis", types: TypeInvocation},
		{file: "apigw-v2-request-no-authorizer.json", source: "http-api", types: TypeInvocation},
		{file: "cloudwatch-logs-event.json", source: "logs", types: TypeInvocation},
	} {
		text, err := os.ReadFile(filepath.Join(samples, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		p := open(t, string(text))
		var types []string
		for _, m := range p.Messages {
			if m.Validate() != nil || m.Err != nil && (tt.err == "" || !strings.Contains(m.Err.Error(), tt.err)) {
				t.Errorf("%s: %v, %v", tt.file, m.Err, m.Validate())
			}
			types = append(types, m.Type())
		}
		if got := strings.Join(types, " "); p.Source != tt.source || got != tt.types {
			t.Errorf("%s: %s of %q, want %s of %q", tt.file, p.Source, got, tt.source, tt.types)
		}
	}
}
