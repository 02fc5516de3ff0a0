package awsevents

import (
	"net/url"
	"testing"
)

func TestClean(t *testing.T) {
	// Rule A1.7
	for s, want := range map[string]string{
		"plain": "plain", "": "", "ü\u2028": "ü\u2028", "a\tb": "a%09b", "\x7f\u0085": "%7F%C2%85",
		"\ufffe": "%EF%BF%BE", "\U0001ffff": "%F0%9F%BF%BF", "\ufdd0": "%EF%B7%90", "\ufffd": "\ufffd",
	} {
		if got := clean(s); got != want || got != "" && !attributeText(got) {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestSourcesAreURIs(t *testing.T) {
	// Rule A1.8: each parses, and unescaped is what it was made from.
	var o opener
	seen := make(map[string]string)
	for _, s := range []string{
		sqsARN, streamARN, "aws:s3.eu-west-1.b", "my.app", "My.App:1", "my.app:1", "1a:b", "a b/ü", "100%", "100%25", "a?b#c", "//host/x", "[", ":", "%zz",
	} {
		u := o.uri(s)
		text := u.String()
		if back, err := url.PathUnescape(text); err != nil || back != s {
			t.Errorf("%q became %q, and then %q, %v", s, text, back, err)
		}
		if parsed, err := url.Parse(text); err != nil || parsed.String() != text {
			t.Errorf("%q is %q when it is read: %v", text, parsed, err)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%q and %q are both %q", s, other, text)
		}
		seen[text] = s
	}
}
