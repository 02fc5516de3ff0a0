package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// readAnswer reads a function's answer to a batch by AWS's rules. index has
// the position of each identifier in the batch. It returns the positions that
// failed, or why the whole batch does.
func readAnswer(answer []byte, index map[string]int) (failed map[int]bool, problem string) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || string(answer) == "null" {
		return nil, ""
	}
	if !json.Valid(answer) {
		return nil, "the answer is not JSON"
	}
	// Maps, not structs: encoding/json matches the names of fields whatever
	// their case, AWS does not.
	var object map[string]json.RawMessage
	if json.Unmarshal(answer, &object) != nil {
		return nil, "the answer is not an object"
	}
	var items []map[string]json.RawMessage
	if list, ok := object["batchItemFailures"]; ok && json.Unmarshal(list, &items) != nil {
		return nil, "batchItemFailures is not a list of objects"
	}
	for i, item := range items {
		var id *string
		if json.Unmarshal(item["itemIdentifier"], &id) != nil || id == nil || *id == "" {
			return nil, fmt.Sprintf("batchItemFailures[%d] has no itemIdentifier", i)
		}
		at, ok := index[*id]
		if !ok {
			return nil, fmt.Sprintf("batchItemFailures[%d] names %q, which is not in the batch", i, clip(*id, 60))
		}
		if failed == nil {
			failed = make(map[int]bool, len(items))
		}
		failed[at] = true
	}
	return failed, ""
}
