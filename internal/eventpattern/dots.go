package eventpattern

import (
	"maps"
	"slices"
	"strings"
)

// undotted returns the document with an object in place of each key that has a
// dot: {"a.b": 1} is {"a": {"b": 1}}. What was there is not changed. Where both
// are there they are merged; what cannot be merged becomes an array, of which
// either may match.
func undotted(v any) any {
	if !dotted(v) {
		return v
	}
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = undotted(e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			path := strings.Split(key, ".")
			child := undotted(v[key])
			for _, step := range slices.Backward(path[1:]) {
				child = map[string]any{step: child}
			}
			put(object, path[0], child)
		}
		return object
	}
	return v
}

// dotted reports whether a key of the value, at any depth, has a dot.
func dotted(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, dotted)
	case map[string]any:
		for key, child := range v {
			if strings.Contains(key, ".") || dotted(child) {
				return true
			}
		}
	}
	return false
}

// put adds a member to an object that is ours.
func put(object map[string]any, key string, v any) {
	old, there := object[key]
	if !there {
		object[key] = v
		return
	}
	from, ok := v.(map[string]any)
	into, both := old.(map[string]any)
	if !ok || !both {
		object[key] = []any{old, v}
		return
	}
	merged := maps.Clone(into)
	for _, k := range slices.Sorted(maps.Keys(from)) {
		put(merged, k, from[k])
	}
	object[key] = merged
}
