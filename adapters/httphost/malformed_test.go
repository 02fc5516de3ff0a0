package httphost

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// A bad is a request that is none of ours, and what it is answered.
type bad struct {
	reason  string
	request *http.Request
	status  int
}

// badRequests are made rather than listed: each rule that a request can break,
// in each place where it can break it.
func badRequests() (all []bad) {
	add := func(status int, request *http.Request, format string, args ...any) {
		all = append(all, bad{fmt.Sprintf(format, args...), request, status})
	}
	// Binary mode: values.
	for _, name := range []string{"id", "source", "type", "specversion", "subject", "time", "dataschema", "myext"} {
		for reason, value := range map[string]string{
			"empty": "", "quotes around nothing": `""`, "a control character": "a%0Ab", "DEL": "a%7Fb", "C1": "a%C2%85b", "overlong": "%C0%A0",
			"invalid UTF-8": "%FF", "a surrogate": "%ED%A0%80", "a noncharacter": "%EF%B7%90", "Latin-1": "\xfc",
		} {
			r := binary("")
			r.Header["Ce-"+strings.ToUpper(name[:1])+name[1:]] = []string{value}
			add(400, r, "ce-%s: %s", name, reason)
		}
		r := binary("")
		key := "Ce-" + strings.ToUpper(name[:1]) + name[1:]
		r.Header[key] = []string{"1.0", "1.0"}
		add(400, r, "ce-%s twice", name)
	}
	for _, value := range []string{
		"yesterday", "2026-11-23", "2026-11-23T09:00:00", "2026-11-23 09:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z",
		"2026-11-23T9:00:00Z", "2026-11-23T09:00:00,5Z", "2026-11-23T09:00:00+25:00", "2026-11-23T09:00:00+0100", "1795424400", "20261123T090000Z", "-1-11-23T09:00:00Z",
	} {
		add(400, binary("", "Ce-Time", value), "time %q", value)
	}
	for _, value := range []string{"a%20b", "http://%5B::1", "a%5Cb", "%C3%BC", "%3Cx%3E", "a^b", "1:x%7B", "http://a%20b/"} {
		r := binary("")
		r.Header.Set("Ce-Source", value)
		add(400, r, "source %q", value)
	}
	for _, value := range []string{"schema.json", "/schema.json", "//host/schema", "a b", "?x"} {
		add(400, binary("", "Ce-Dataschema", value), "dataschema %q", value)
	}
	for _, name := range []string{"My-Ext", "My_ext", "Myext.", "My~ext", "Data", "Datacontenttype", "A!b"} {
		r := binary("")
		r.Header["Ce-"+name] = []string{"x"}
		add(400, r, "the name %q", name)
	}
	for _, value := range []string{"json", "text/", "/plain", "text plain", "text/plain; charset", "text/plain; =x", "a/b/c", "text/plain; charset=a; charset=b", "text/\x00"} {
		add(400, binary("", "Content-Type", value), "content type %q", value)
	}
	// Some of the required headers.
	required := []string{"Ce-Specversion", "Ce-Id", "Ce-Source", "Ce-Type"}
	for set := 1; set < 15; set++ {
		for _, contentType := range []string{"application/json", "text/plain"} {
			r := binary("{}", "Content-Type", contentType)
			for i, name := range required {
				if set&(1<<i) == 0 {
					r.Header.Del(name)
				}
			}
			add(400, r, "required headers %04b with %s", set, contentType)
		}
	}
	// Structured mode.
	structured := func(body string) *http.Request { return post(body, "Content-Type", "application/cloudevents+json") }
	const members = `"specversion":"1.0","id":"1","source":"/s","type":"t"`
	for i := range len(orderEvent) {
		add(400, structured(orderEvent[:i]), "cut at byte %d", i)
	}
	for name, value := range map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "t"} {
		pair := fmt.Sprintf("%q:%q", name, value)
		for _, other := range []string{`null`, `1`, `true`, `["x"]`, `{"a":1}`, `""`, `"\u0000"`, `"\ud800"`} {
			add(400, structured("{"+strings.Replace(members, pair, fmt.Sprintf("%q:%s", name, other), 1)+"}"), "%s is %s", name, other)
		}
		add(400, structured("{"+members+","+pair+"}"), "%s twice", name)
		add(400, structured("{"+members+`,"`+name+`":null}`), "%s twice, once null", name)
	}
	for _, member := range []string{
		`"subject":1`, `"subject":""`, `"time":1`, `"time":"now"`, `"dataschema":"x"`, `"datacontenttype":"json"`, `"datacontenttype":1`,
		`"ext":1.5`, `"ext":1e3`, `"ext":2147483648`, `"ext":{}`, `"ext":[]`, `"Ext":"x"`, `"my-ext":"x"`, `"my_ext":"x"`, `"":"x"`, `"extensions":{"a":"b"}`,
		`"data":1,"data_base64":"AA=="`, `"data":1,"data":2`, `"data_base64":"AA==","data_base64":"AA=="`,
		`"data_base64":"AA="`, `"data_base64":"A A="`, `"data_base64":"AA==\n"`, `"data_base64":"AA-_"`, `"data_base64":1`, `"data_base64":"AB=="`,
		`"datacontenttype":"text/plain","data":1`, `"datacontenttype":"text/plain","data":{}`, `"data":tru`, `"data":01`, `"data":"` + "\n" + `"`, `"data":"\x"`,
	} {
		add(400, structured("{"+members+","+member+"}"), "with %s", member)
	}
	for reason, body := range map[string]string{
		"nothing": "", "blanks": "  ", "text": "hello", "a string": `"x"`, "null": "null", "a number": "1", "an array": "[{" + members + "}]",
		"bytes after it": "{" + members + "} x", "a second event": "{" + members + "}{" + members + "}", "a comma too many": "{" + members + ",}",
		"a byte order mark": "\xef\xbb\xbf{" + members + "}", "UTF-16": "\xff\xfe{\x00}\x00", "not UTF-8": "{" + members + ",\"data\":\"\xff\"}",
		"XML": "<event/>", "a form": "id=1&source=%2Fs", "endless nesting": "{" + members + `,"data":` + strings.Repeat("[", 100_000), "NUL": "{" + members + "}\x00",
		"comments": "{/* */" + members + "}", "single quotes": `{'id':'1'}`,
	} {
		add(400, structured(body), "structured: %s", reason)
	}
	// Batches: what is no array of JSON values; bad events in them fail alone.
	batch := func(body string) *http.Request {
		return post(body, "Content-Type", "application/cloudevents-batch+json")
	}
	for _, body := range []string{
		"", " ", "{", "[", "]", "[]]", "[,]", "[{},]", "[{}", "[{} {}]", "{}", `"[]"`, "null", "1", "[\xff]", "[]x", "[[]", strings.Repeat("[", 100_000), "[{\"id\":}]",
		"[null]", "[1]", `["x"]`, "[[]]", "[{}]", "[" + orderEvent + ",{}]",
	} {
		add(400, batch(body), "batch %.20q", body)
	}
	// Types.
	for _, contentType := range []string{
		"application/cloudevents", "application/cloudevents+xml", "application/cloudevents+avro", "application/cloudevents+protobuf", "application/cloudevents-batch",
		"application/cloudevents-batch+xml", "application/cloudeventsx", "APPLICATION/CLOUDEVENTS+CBOR",
		"application/cloudevents+json; charset=iso-8859-1", "application/cloudevents+json; charset=utf-16", "application/cloudevents-batch+json; charset=utf-7",
		"text/plain", "text/html", "application/xml", "application/octet-stream", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "json", "*/*",
	} {
		add(415, post(orderEvent, "Content-Type", contentType), "content type %q without headers", contentType)
	}
	add(400, post(orderEvent, "Content-Type", "application/cloudevents+json; charset"), "a parameter without a value")
	add(400, post(orderEvent, "Content-Type", "application/cloudevents+json", "Content-Type", "application/json"), "two content types")
	for _, coding := range []string{"gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "x"} {
		add(415, post(orderEvent, "Content-Type", "application/cloudevents+json", "Content-Encoding", coding), "coding %q", coding)
		add(415, binary("x", "Content-Encoding", coding), "coding %q of a binary event", coding)
	}
	// Sizes.
	add(413, structured(strings.Repeat(" ", 1<<20+1)), "a body of blanks")
	add(413, batch("["+strings.Repeat("1,", 10_000)+"1]"), "too many events")
	add(431, binary("", "Ce-Big", strings.Repeat("x", 64<<10)), "a long header")
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post"} {
		r := structured(orderEvent)
		r.Method = method
		add(405, r, "method %s", method)
	}
	// Other clouds' envelopes.
	data := base64.StdEncoding.EncodeToString([]byte("x"))
	for _, message := range []string{
		`{}`, `{"data":"` + data + `"}`, `{"messageId":1}`, `{"messageId":""}`, `{"messageId":"1","data":1}`, `{"messageId":"1","data":"%"}`, `{"messageId":"1","data":"QQ"}`,
		`{"messageId":"1","attributes":1}`, `{"messageId":"1","attributes":["a"]}`, `{"messageId":"1","attributes":{"a":1}}`, `{"messageId":"1","attributes":{"a":"1","a":"2"}}`,
		`{"messageId":"1","publishTime":"now"}`, `{"messageId":"1","publishTime":1}`, `{"messageId":"\n"}`, `{"messageId":"1","orderingKey":1}`,
		`{"messageId":"1","attributes":{"content-type":"application/cloudevents+json"},"data":"` + data + `"}`,
		`{"messageId":"1","attributes":{"content-type":"application/cloudevents-batch+json"},"data":"` + data + `"}`,
		`{"messageId":"1","attributes":{"ce-specversion":"1.0","ce-id":"1","ce-source":"a b","ce-type":"t"}}`,
		`{"messageId":"1","attributes":{"eventType":"OBJECT_DELETE","bucketId":"a b","objectId":"o","payloadFormat":"NONE"}}`,
		`{"messageId":"1","attributes":{"eventType":"OBJECT_DELETE","bucketId":"b","objectId":"o","payloadFormat":"NONE","eventTime":"now"}}`,
	} {
		add(400, push(message), "push of %s", message)
		r := binary(`{"message":`+message+`}`, "Content-Type", "application/json")
		r.Header.Set("Ce-Type", messagePublished)
		add(400, r, "Eventarc with %s", message)
	}
	for _, body := range []string{`{"message":1,"subscription":"s"}`, `{"message":{"messageId":"1"}}`, `{"subscription":"s"}`, `{"message":{"messageId":"1"},"subscription":"s"`, `{"message":null}`, "[]", "{}", "", "\xff", "null"} {
		add(400, post(body, "Content-Type", "application/json"), "JSON %.40q", body)
	}
	for _, body := range []string{
		"", "x", "1", "{", `{}`, `[{}]`, `[1]`, `[null]`, `[{"id":"1"}]`, `[{"id":1,"topic":"/t","eventType":"t"}]`, `[{"id":"1","topic":"a b","eventType":"t"}]`,
		`[{"id":"1","id":"2","topic":"/t","eventType":"t"}]`, `[{"id":"1","topic":"/t","eventType":"t","eventTime":"now"}]`, `[{"id":"1","topic":"/t","eventType":"t","data":1,"data":2}]`,
		`[{"id":"1","topic":"/t","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent"}]`, `[{"id":"1","topic":"/t","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":1}}]`,
	} {
		add(400, post(body, "Content-Type", "application/json", "Aeg-Event-Type", "Notification"), "Event Grid %.60q", body)
	}
	return all
}

func TestMalformedRequests(t *testing.T) {
	all := badRequests()
	if len(all) < 300 {
		t.Fatalf("%d requests, want at least 300", len(all))
	}
	for _, b := range all {
		t.Run(b.reason, func(t *testing.T) {
			rec := record(nil)
			w := serve(newTestHandler(t, rec.router, Options{}), b.request)
			if w.Code != b.status {
				t.Errorf("status %d %s, want %d", w.Code, w.Body, b.status)
			}
			for _, f := range list(t, w) {
				if f.Error == "" || len(f.Error) > textLimit+3 {
					t.Errorf("text %q", f.Error)
				}
			}
			batch := strings.HasPrefix(b.reason, "batch ")
			for _, m := range rec.messages {
				if m.Err == nil && !batch {
					t.Errorf("delivered %v", m.Event)
				}
			}
		})
	}
	t.Logf("%d requests", len(all))
}

// What breaks HTTP itself never reaches a router either.
func TestMalformedHTTP(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/cloudevents+json\r\n"
	for reason, tt := range map[string]struct {
		raw    string
		status int // 0: no answer
	}{
		"two lengths":                   {head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
		"a negative length":             {head + "Content-Length: -1\r\n\r\n", 400},
		"a length that is none":         {head + "Content-Length: five\r\n\r\n", 400},
		"an endless length":             {head + "Content-Length: 99999999999999999999\r\n\r\n", 400},
		"a length beyond the limit":     {head + "Content-Length: 9999999999\r\n\r\n", 413},
		"a chunk size that is none":     {head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
		"a chunk longer than it says":   {head + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
		"an endless chunk size":         {head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", 400},
		"a chunk header without an end": {head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 5000), 400},
		"another transfer coding":       {head + "Transfer-Encoding: gzip\r\n\r\n", 501},
		"no host":                       {"POST / HTTP/1.1\r\n\r\n", 400},
		"no such version":               {"POST / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
		"no HTTP":                       {"hello\r\n\r\n", 400},
		"TLS":                           {"\x16\x03\x01\x00\x05hello\r\n\r\n", 400},
		"a header with a blank":         {head + "Ce Id: 1\r\n\r\n", 400},
		"a header with NUL":             {head + "Ce-Id: a\x00b\r\n\r\n", 400},
		"headers without an end":        {head + "X: " + strings.Repeat("x", 1<<20), 431},
		"many headers":                  {head + strings.Repeat("Ce-A: x\r\n", 20_000) + "\r\n", 431},
		"fewer bytes than it says":      {head + "Content-Length: 100\r\n\r\n{", 408},
		"an expectation":                {head + "Expect: miracles\r\nContent-Length: 1\r\n\r\n{", 417},
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := record(nil)
				s := start(t, newTestHandler(t, rec.router, Options{}), 0)
				c, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				go io.WriteString(c, tt.raw) // the server may not want all of it
				status := 0
				if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
					status = resp.StatusCode
				}
				if status != tt.status || len(rec.messages) > 0 {
					t.Errorf("status %d with %d messages, want %d", status, len(rec.messages), tt.status)
				}
				c.Close()
				if err := s.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
