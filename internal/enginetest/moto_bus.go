package enginetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// events calls EventBridge, as moto plays it. No SDK's client is linked for
// three operations.
func (m *moto) events(ctx context.Context, operation string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSEvents."+operation)
	// moto reads the service and the region, and believes the rest.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/"+memcloud.Region+"/events/aws4_request, SignedHeaders=host, Signature=x")
	response, err := m.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return json.NewDecoder(response.Body).Decode(output)
	}
	var failure struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.NewDecoder(response.Body).Decode(&failure); err != nil {
		return fmt.Errorf("%s: %s: %v", operation, response.Status, err)
	}
	return &memcloud.Error{Resource: "default", Code: failure.Type, Message: failure.Message}
}

func (m *moto) rule(q Queue, r memcloud.Rule) error {
	name := cmp.Or(r.Name, q.(*motoQueue).name)
	rule := map[string]any{"Name": name, "EventPattern": cmp.Or(r.Pattern, `{"source": [{"prefix": ""}]}`)}
	target := map[string]any{"Id": "queue", "Arn": q.ARN()}
	if r.Input != "" {
		target["Input"] = r.Input
	}
	var made, put struct{ FailedEntryCount int }
	if err := m.events(context.Background(), "PutRule", rule, &made); err != nil {
		return err
	}
	return m.events(context.Background(), "PutTargets", map[string]any{"Rule": name, "Targets": []any{target}}, &put)
}

func (m *moto) putEvents(ctx context.Context, events ...memcloud.BusEvent) ([]memcloud.PutResult, error) {
	entries := []any{}
	for _, e := range events {
		entry := map[string]any{}
		for name, s := range map[string]string{"Source": e.Source, "DetailType": e.DetailType, "Detail": e.Detail} {
			if s != "" {
				entry[name] = s
			}
		}
		if e.Resources != nil {
			entry["Resources"] = e.Resources
		}
		entries = append(entries, entry)
	}
	var answer struct{ Entries []memcloud.PutResult }
	err := m.events(ctx, "PutEvents", map[string]any{"Entries": entries}, &answer)
	return answer.Entries, err
}
