package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Types of resources that a mapping is made of.
const (
	typeMapping    = "AWS::Lambda::EventSourceMapping"
	typeFunction   = "AWS::Lambda::Function"
	typeServerless = "AWS::Serverless::Function"
	typeQueue      = "AWS::SQS::Queue"
)

// A template is one of CloudFormation or SAM, in YAML or JSON.
type template struct {
	file       string
	root       *yaml.Node
	resources  *yaml.Node
	parameters *yaml.Node
}

func readTemplate(file string) (*template, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, withoutPath(err))
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	t := &template{file: file}
	if len(document.Content) > 0 {
		t.root = document.Content[0]
	}
	t.resources, t.parameters = member(t.root, "Resources"), member(t.root, "Parameters")
	if t.resources == nil || t.resources.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: no Resources: want a template of CloudFormation or SAM", file)
	}
	return t, nil
}

// member returns a member of a mapping, behind a path of names; nil if there
// is none.
func member(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if n = dereference(n); n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return dereference(n)
}

func dereference(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (t *template) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", t.file, n.Line, fmt.Sprintf(format, args...))
}

// intrinsic returns the name and the argument of a function of CloudFormation,
// in its short or its long form: Ref, GetAtt, Sub...
func intrinsic(n *yaml.Node) (name string, argument *yaml.Node) {
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		return tag[1:], n
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		key := n.Content[0].Value
		if long, ok := strings.CutPrefix(key, "Fn::"); ok {
			return long, dereference(n.Content[1])
		}
		if key == "Ref" {
			return "Ref", dereference(n.Content[1])
		}
	}
	return "", nil
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// text resolves a value that is text in the end. what names it in errors.
func (t *template) text(n *yaml.Node, what string) (string, error) {
	name, argument := intrinsic(n)
	switch {
	case name == "" && n.Kind == yaml.ScalarNode:
		return n.Value, nil
	case name == "Ref" && argument.Kind == yaml.ScalarNode:
		return t.reference(n, argument.Value, what)
	case name == "Sub" && argument.Kind == yaml.ScalarNode:
		var failure error
		text := variable.ReplaceAllStringFunc(argument.Value, func(match string) string {
			inside := match[2 : len(match)-1]
			if literal, ok := strings.CutPrefix(inside, "!"); ok {
				return "${" + literal + "}"
			}
			value, err := t.reference(n, inside, what)
			failure = errors.Join(failure, err)
			return value
		})
		return text, failure
	case name == "":
		return "", t.errorf(n, "%s: want a single value", what)
	}
	return "", t.errorf(n, "%s: !%s cannot be resolved on this machine", what, name)
}

// reference resolves the name of a parameter by its default.
func (t *template) reference(at *yaml.Node, name, what string) (string, error) {
	switch name {
	case "AWS::Region":
		return "eu-west-1", nil
	case "AWS::AccountId":
		return "123456789012", nil
	case "AWS::Partition":
		return "aws", nil
	}
	if p := member(t.parameters, name); p != nil {
		if value := member(p, "Default"); value != nil {
			return value.Value, nil
		}
		return "", t.errorf(at, "%s: the parameter %s has no default", what, name)
	}
	return "", t.errorf(at, "%s: !Ref %s cannot be resolved on this machine", what, name)
}

// resource returns the logical id that a value refers to, as its ARN or its
// name; "" if it refers to none of the template.
func (t *template) resource(n *yaml.Node) string {
	name, argument := intrinsic(n)
	id := ""
	switch {
	case name == "Ref" && argument.Kind == yaml.ScalarNode:
		id = argument.Value
	case name == "GetAtt" && argument.Kind == yaml.ScalarNode:
		id, _, _ = strings.Cut(argument.Value, ".")
	case name == "GetAtt" && argument.Kind == yaml.SequenceNode && len(argument.Content) > 0:
		id = argument.Content[0].Value
	case name == "Sub" && argument.Kind == yaml.ScalarNode:
		// ${Queue.Arn} alone
		if m := variable.FindStringSubmatch(argument.Value); m != nil && m[0] == argument.Value {
			id, _, _ = strings.Cut(m[1], ".")
		}
	}
	if id == "" || member(t.resources, id) == nil {
		return ""
	}
	return id
}

func (t *template) typeOf(id string) string {
	if n := member(t.resources, id, "Type"); n != nil {
		return n.Value
	}
	return ""
}

// A source is one event source of the template: a mapping of a queue.
type source struct {
	name       string     // in the template, behind the #
	properties *yaml.Node // of the mapping
	queue      *yaml.Node // what the mapping says that it reads
	function   string     // logical id, "" if it is not in the template
}

// sources returns all mappings of queues, in the order of the template.
func (t *template) sources() []source {
	var all []source
	for i := 0; i+1 < len(t.resources.Content); i += 2 {
		id := t.resources.Content[i].Value
		switch t.typeOf(id) {
		case typeMapping:
			p := member(t.resources, id, "Properties")
			arn := member(p, "EventSourceArn")
			if arn == nil {
				continue // of a broker
			}
			if to := t.resource(arn); to != "" && t.typeOf(to) != typeQueue {
				continue // of a stream
			}
			s := source{name: id, properties: p, queue: arn}
			if f := member(p, "FunctionName"); f != nil {
				s.function = t.resource(f)
			}
			all = append(all, s)
		case typeServerless:
			events := member(t.resources, id, "Properties", "Events")
			for j := 0; events != nil && j+1 < len(events.Content); j += 2 {
				e := dereference(events.Content[j+1])
				if kind := member(e, "Type"); kind == nil || kind.Value != "SQS" {
					continue
				}
				p := member(e, "Properties")
				if queue := member(p, "Queue"); queue != nil {
					all = append(all, source{id + "." + events.Content[j].Value, p, queue, id})
				}
			}
		}
	}
	return all
}

// find returns the mapping that a logical id names: its own, that of its
// function, or FUNCTION.EVENT. "" will do for the only one.
func (t *template) find(id string) (*source, error) {
	all := t.sources()
	fits := func(s source) bool {
		function, _, _ := strings.Cut(s.name, ".")
		return id == "" || s.name == id || function == id || s.function == id
	}
	var found []source
	var names []string
	for _, s := range all {
		names = append(names, s.name)
		if fits(s) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		return &found[0], nil
	case len(all) == 0:
		return nil, fmt.Errorf("%s: no mapping of a queue: want an %s, or a function of SAM with an event of type SQS", t.file, typeMapping)
	case len(found) > 1:
		return nil, fmt.Errorf("%s: %d mappings of queues fit: name one of %s behind #", t.file, len(found), strings.Join(names, ", "))
	case t.typeOf(id) != "":
		return nil, fmt.Errorf("%s: %s, which is an %s, is no mapping of a queue: name one of %s", t.file, id, t.typeOf(id), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s: no resource %s: name one of %s", t.file, id, strings.Join(names, ", "))
}

// A reader reads settings, but for those that a flag has set.
type reader struct {
	*template
	given func(flag string) bool
}

// number reads a number. flag is what sets it otherwise, "" for none.
func (r reader) number(n *yaml.Node, what, flag string) (int, error) {
	if n == nil || flag != "" && r.given(flag) {
		return 0, nil
	}
	text, err := r.text(n, what)
	if err != nil {
		return 0, r.advise(err, flag)
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, r.errorf(n, "%s: want a number, not %q", what, text)
	}
	return value, nil
}

func (r reader) seconds(n *yaml.Node, what, flag string) (time.Duration, error) {
	value, err := r.number(n, what, flag)
	return time.Duration(value) * time.Second, err
}

// truth reads true or false.
func (r reader) truth(n *yaml.Node, what string) (bool, error) {
	if n == nil {
		return false, nil
	}
	text, err := r.text(n, what)
	if err != nil {
		return false, r.advise(err, "")
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, r.errorf(n, "%s: want true or false, not %q", what, text)
	}
	return value, nil
}

func (r reader) advise(err error, flag string) error {
	if flag == "" {
		return fmt.Errorf("%w: write the value into a copy of the template", err)
	}
	return fmt.Errorf("%w: give -%s", err, flag)
}

// read reads the settings of a mapping, its queue and its function.
func (r reader) read(m *source) (*settings, error) {
	s := &settings{from: r.file + "#" + m.name}
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	var err error
	s.batch, err = r.number(member(m.properties, "BatchSize"), "BatchSize", "batch-size")
	try(err)
	s.window, err = r.seconds(member(m.properties, "MaximumBatchingWindowInSeconds"), "MaximumBatchingWindowInSeconds", "window")
	try(err)
	s.concurrency, err = r.number(member(m.properties, "ScalingConfig", "MaximumConcurrency"), "MaximumConcurrency", "concurrency")
	try(err)
	s.report, err = r.reports(member(m.properties, "FunctionResponseTypes"))
	try(err)
	s.filters, err = r.filters(member(m.properties, "FilterCriteria", "Filters"))
	try(err)
	try(r.function(m.function, s))
	try(r.queue(m.queue, s))
	return s, errors.Join(errs...)
}

func (r reader) reports(n *yaml.Node) (bool, error) {
	if n == nil || r.given("report-batch-item-failures") {
		return false, nil
	}
	if n.Kind != yaml.SequenceNode || strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		_, err := r.text(n, "FunctionResponseTypes")
		if err == nil {
			err = r.errorf(n, "FunctionResponseTypes: want a list")
		}
		return false, r.advise(err, "report-batch-item-failures")
	}
	for _, e := range n.Content {
		text, err := r.text(dereference(e), "FunctionResponseTypes")
		if err != nil {
			return false, r.advise(err, "report-batch-item-failures")
		}
		if text == "ReportBatchItemFailures" {
			return true, nil
		}
	}
	return false, nil
}

func (r reader) filters(n *yaml.Node) (patterns []string, err error) {
	if n == nil {
		return nil, nil
	}
	for _, f := range n.Content {
		pattern := member(f, "Pattern")
		if pattern == nil {
			return nil, r.errorf(n, "FilterCriteria: a filter without a Pattern")
		}
		text, err := r.text(pattern, "Pattern")
		if err != nil {
			return nil, r.advise(err, "")
		}
		patterns = append(patterns, text)
	}
	return patterns, nil
}

// function reads the timeout, which SAM may have under Globals.
func (r reader) function(id string, s *settings) (err error) {
	if id == "" {
		return nil
	}
	s.function = id
	timeout := member(r.resources, id, "Properties", "Timeout")
	if timeout == nil && r.typeOf(id) == typeServerless {
		timeout = member(r.root, "Globals", "Function", "Timeout")
	}
	s.timeout, err = r.seconds(timeout, "Timeout", "timeout")
	return err
}

func (r reader) queue(n *yaml.Node, s *settings) error {
	id := r.resource(n)
	if id == "" {
		return r.otherQueue(n, s)
	}
	if r.typeOf(id) != typeQueue {
		return r.errorf(n, "%s is an %s: want an %s", id, r.typeOf(id), typeQueue)
	}
	p := member(r.resources, id, "Properties")
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	var err error
	s.visibility, err = r.seconds(member(p, "VisibilityTimeout"), "VisibilityTimeout", "visibility")
	try(err)
	if s.visibility == 0 {
		s.visibility = 30 * time.Second // AWS's default; for 0 no mapping can be made
	}
	s.delay, err = r.seconds(member(p, "DelaySeconds"), "DelaySeconds", "")
	try(err)
	s.contentDedup, err = r.truth(member(p, "ContentBasedDeduplication"), "ContentBasedDeduplication")
	try(err)
	s.fifo, err = r.truth(member(p, "FifoQueue"), "FifoQueue")
	try(err)
	s.receives, err = r.redrive(member(p, "RedrivePolicy"))
	try(err)
	s.queue = id
	if name := member(p, "QueueName"); name != nil {
		// A name that is made of what only AWS knows is of no consequence.
		if text, err := r.text(name, "QueueName"); err == nil {
			s.queue = text
		}
	}
	return errors.Join(errs...)
}

// otherQueue is one that is not in the template: what the mapping needs to
// know about it must come from flags.
func (r reader) otherQueue(n *yaml.Node, s *settings) error {
	if !r.given("visibility") || !r.given("max-receives") {
		return r.errorf(n, "its queue is not in this template: give -visibility and -max-receives")
	}
	if text, err := r.text(n, "Queue"); err == nil {
		s.queue = text[strings.LastIndexByte(text, ':')+1:]
		s.fifo = strings.HasSuffix(s.queue, ".fifo")
	}
	return nil
}

// redrive reads maxReceiveCount, of an object or of one in JSON.
func (r reader) redrive(n *yaml.Node) (int, error) {
	if n == nil || r.given("max-receives") {
		return 0, nil
	}
	if n.Kind == yaml.MappingNode {
		if name, _ := intrinsic(n); name == "" {
			count := member(n, "maxReceiveCount")
			if count == nil {
				return 0, r.errorf(n, "RedrivePolicy: no maxReceiveCount")
			}
			return r.number(count, "maxReceiveCount", "max-receives")
		}
	}
	text, err := r.text(n, "RedrivePolicy")
	if err != nil {
		return 0, r.advise(err, "max-receives")
	}
	var policy struct {
		MaxReceiveCount json.Number `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return 0, r.errorf(n, "RedrivePolicy: want an object: %v", err)
	}
	count, err := strconv.Atoi(string(policy.MaxReceiveCount))
	if err != nil {
		return 0, r.errorf(n, "RedrivePolicy: no maxReceiveCount")
	}
	return count, nil
}

// splitMapping splits FILE#ID.
func splitMapping(mapping string) (file, id string) {
	i := strings.LastIndexByte(mapping, '#')
	if i < 0 {
		return mapping, ""
	}
	return mapping[:i], mapping[i+1:]
}

// completeMapping offers the mappings of the template that stands before #.
func completeMapping(typed string) []string {
	file, _ := splitMapping(typed)
	t, err := readTemplate(file)
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range t.sources() {
		names = append(names, file+"#"+s.name)
	}
	return slices.Clip(names)
}
