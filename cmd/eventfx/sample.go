package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

func newSample() *cobra.Command {
	var s sampler
	var at, bodyFile string
	c := &cobra.Command{
		Use:   "sample KIND",
		Short: "Print a payload as AWS sends it to a Lambda function",
		Long: `Print a payload as AWS sends it to a Lambda function, on standard output: in
one line as AWS writes it, indented on a terminal or with -o text. It is made
for this machine: no account and no network is asked.

These kinds are one document each:

` + listKinds(documents) + `
A queue or a topic can carry each of them: add ` + strings.Join(carriers, ", ") + `.

These are records of a source, -count of them:

` + listKinds(batches) + `
Equal flags give equal bytes, if -time is among them: it stands for the present.
A flag that says nothing to the kind is wrong usage.`,
		Example: `  eventfx sample s3 -bucket uploads -key 'in/my cat.jpg'
  eventfx sample s3-in-sqs -event ObjectRemoved:Delete | eventfx normalize
  eventfx sample sqs -body '{"id":"7"}' -count 3 | eventfx invoke -package ./ship
  eventfx sample dynamodb-modify -table users -item '{"id":"7","age":42}' -old-item '{"id":"7","age":41}'`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeKinds,
		RunE: func(c *cobra.Command, args []string) error {
			k, err := findKind(strings.Join(args, "-")) // "dynamodb insert" is a kind, too
			if err != nil {
				return err
			}
			if err := k.checkFlags(c.Flags()); err != nil {
				return err
			}
			if err := s.complete(c.Flags(), at); err != nil {
				return err
			}
			if bodyFile != "" {
				body, err := readFile(bodyFile, c.InOrStdin())
				if err != nil {
					return failed(c, fmt.Errorf("%s: %w", bodyFile, err))
				}
				s.body, s.bodySet = string(body), true
			}
			payload, err := k.build(&s)
			if err != nil {
				return err
			}
			stdout := newScreen(c.OutOrStdout())
			format, err := s.format(stdout)
			if err != nil {
				return err
			}
			if err := writeJSON(stdout, payload, format); err != nil {
				return failed(c, fmt.Errorf("standard output: %w", err))
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&s.bucket, "bucket", "uploads", "bucket's `name`")
	f.StringVar(&s.key, "key", "in/photo.jpg", "object's `key`, as it was put; further objects of -count get a number")
	f.StringVar(&s.event, "event", "ObjectCreated:Put", "S3's `name` of what happened")
	f.Int64Var(&s.size, "size", 1024, "object's size in `bytes`")
	f.StringVar(&s.version, "version-id", "", "object's version `id`, of a bucket with versions")
	f.StringVar(&s.queue, "queue", "orders", "queue's `name`")
	f.StringVar(&s.group, "group", "customer-7", "message group's `id`")
	f.StringVar(&s.deduplication, "deduplication", "", "deduplication `id` (default: the body's SHA-256)")
	f.StringArrayVar(&s.attributes, "attribute", nil, "message attribute `NAME=VALUE`; may be given several times")
	f.IntVar(&s.receives, "receives", 1, "how often the message was received, this time included")
	f.StringVar(&s.deadLetterOf, "dead-letter-of", "", "`queue` from which the message was moved to this one")
	f.StringVar(&s.topic, "topic", "news", "topic's `name`")
	f.StringVar(&s.subject, "subject", "", "notification's subject")
	f.StringVar(&s.body, "body", "", "body of a message, data of an event, detail or input, as `text`")
	f.StringVar(&bodyFile, "body-file", "", "`file` with the body; - is standard input")
	f.StringVar(&s.table, "table", "orders", "table's `name`")
	f.StringVar(&s.item, "item", "", "item as plain `JSON`: text, numbers, lists and maps become attribute values")
	f.StringVar(&s.oldItem, "old-item", "", "item before the change, as plain `JSON` (default: the keys alone)")
	f.StringSliceVar(&s.keys, "keys", []string{"id"}, "`names` of the table's key attributes, one or two")
	f.StringVar(&s.source, "source", "shop", "event's source")
	f.StringVar(&s.kind, "type", "order.placed", "type of a CloudEvent, or the detail-type")
	f.StringVar(&s.name, "name", "nightly", "`name` of the rule or the schedule")
	f.StringVar(&s.function, "function", "ship", "`name` of the function that failed")
	f.IntVar(&s.count, "count", 1, "how many records")
	f.StringVar(&at, "time", "", "when it happened, as `2026-01-02T15:04:05Z` (default: now)")
	f.StringVar(&s.region, "region", "eu-west-1", "AWS `region`")
	f.StringVar(&s.account, "account", "123456789012", "AWS account's `number`")
	s.format = addOutput(c, formatJSON)
	c.MarkFlagsMutuallyExclusive("body", "body-file")
	_ = c.RegisterFlagCompletionFunc("event", cobra.FixedCompletions(awspayload.S3EventNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// A sampler is what the flags of sample say.
type sampler struct {
	bucket, key, event, version           string
	size                                  int64
	queue, group, deduplication           string
	attributes                            []string
	receives                              int
	deadLetterOf, topic, subject          string
	body, table, item, oldItem            string
	keys                                  []string
	source, kind, name, function          string
	count                                 int
	region, account                       string
	format                                func(*screen) (string, error)
	at                                    time.Time
	bodySet, queueSet, sourceSet, sizeSet bool
	userAttributes                        map[string]awspayload.Attribute
}

// complete checks the flags that need no kind.
func (s *sampler) complete(flags *pflag.FlagSet, at string) (err error) {
	s.bodySet, s.queueSet, s.sourceSet, s.sizeSet = flags.Changed("body"), flags.Changed("queue"), flags.Changed("source"), flags.Changed("size")
	s.at = time.Now().Truncate(time.Millisecond)
	if at != "" {
		if s.at, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return fmt.Errorf("-time %s: want a time like 2026-01-02T15:04:05Z", at)
		}
	}
	s.at = s.at.UTC()
	switch {
	case s.count < 1 || s.count > 10_000:
		return fmt.Errorf("-count %d: want 1 to 10000", s.count)
	case s.receives < 1:
		return fmt.Errorf("-receives %d: want 1 or more", s.receives)
	case s.size < 0:
		return fmt.Errorf("-size %d: want 0 or more", s.size)
	case len(s.keys) < 1 || len(s.keys) > 2:
		return fmt.Errorf("-keys: want the names of one or two attributes, not of %d", len(s.keys))
	}
	s.event = strings.TrimPrefix(s.event, "s3:")
	if !slices.Contains(awspayload.S3EventNames(), s.event) {
		return fmt.Errorf("-event %s: want one of %s", s.event, strings.Join(awspayload.S3EventNames(), ", "))
	}
	s.userAttributes = map[string]awspayload.Attribute{}
	for _, a := range s.attributes {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" || value == "" {
			return fmt.Errorf("-attribute %s: want NAME=VALUE", a)
		}
		s.userAttributes[name] = awspayload.Attribute{Type: "String", Value: value}
	}
	return nil
}

// A kind is one payload that sample makes.
type kind struct {
	name, about string
	flags       []string // that say something to it, beside common ones
	build       func(*sampler) ([]byte, error)
}

// commonFlags say something to every kind.
var commonFlags = []string{"time", "region", "account", "output", "help"}

func (k *kind) checkFlags(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(k.flags, f.Name) && !slices.Contains(commonFlags, f.Name) {
			err = fmt.Errorf("-%s says nothing to %s, which knows -%s", f.Name, k.name, strings.Join(k.flags, ", -"))
		}
	})
	return err
}

// allKinds returns the documents, each in every carrier, and the batches.
func allKinds() []kind {
	var all []kind
	for _, k := range documents {
		all = append(all, k.kind())
		for _, c := range carriers {
			all = append(all, k.carriedBy(c))
		}
	}
	for _, k := range batches {
		all = append(all, k.kind())
	}
	return all
}

func findKind(name string) (*kind, error) {
	all := allKinds()
	for i := range all {
		if all[i].name == name {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("unknown kind %q: 'eventfx sample -help' lists them", name)
}

func completeKinds(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range allKinds() {
		names = append(names, k.name+"\t"+k.about)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func listKinds[K interface{ kind() kind }](kinds []K) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, k := range kinds {
		fmt.Fprintf(w, "  %s\t%s\n", k.kind().name, k.kind().about)
	}
	_ = w.Flush() // a builder takes everything
	return b.String()
}

// writeJSON writes a document and a line end: as it is, or indented.
func writeJSON(w io.Writer, document []byte, format string) error {
	out := bytes.NewBuffer(make([]byte, 0, len(document)+1))
	if format == formatJSON {
		out.Write(document)
	} else if err := json.Indent(out, document, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}
