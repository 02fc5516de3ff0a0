package httphost

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

func options(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestHandshake(t *testing.T) {
	const origin = "WebHook-Request-Origin"
	refuse := func(Handshake) bool { return false }
	for _, tt := range []struct {
		rule, reason string
		opts         Options
		request      *http.Request
		status       int
		origin, rate string // that are allowed
		asked        Handshake
	}{
		{"A4.1", "agreed, with an unlimited rate", Options{}, options(origin, "shop.example.com"), 204, "shop.example.com", "*", Handshake{Origin: "shop.example.com"}},
		{"A4.1", "a rate was asked for", Options{Rate: 120}, options(origin, "shop.example.com", "WebHook-Request-Rate", "500"), 204, "shop.example.com", "120", Handshake{Origin: "shop.example.com", Rate: 500}},
		{"A4.1", "an unlimited rate was asked for", Options{Rate: 120}, options(origin, "shop.example.com", "WebHook-Request-Rate", "*"), 204, "shop.example.com", "120", Handshake{Origin: "shop.example.com", Rate: -1}},
		{"A4.1", "as Event Grid asks", Options{}, options(origin, "eventgrid.azure.net", "WebHook-Request-Callback", "https://x/validate?a=b"), 204, "eventgrid.azure.net", "*", Handshake{Origin: "eventgrid.azure.net", Callback: "https://x/validate?a=b"}},
		{"A4.2", "no agreement", Options{Agree: refuse}, options(origin, "shop.example.com"), 405, "", "", Handshake{Origin: "shop.example.com"}},
		{"A4.2", "OPTIONS for anything else", Options{}, options(), 405, "", "", Handshake{}},
		{"A4.3", "it may be agreed later", Options{Agree: refuse}, options(origin, "shop.example.com", "WebHook-Request-Callback", "https://shop.example.com/ok"), 202, "", "", Handshake{Origin: "shop.example.com", Callback: "https://shop.example.com/ok"}},
		{"A4.1", "a rate that is none", Options{}, options(origin, "shop.example.com", "WebHook-Request-Rate", "0"), 400, "", "", Handshake{}},
		{"A4.1", "a rate that is no number", Options{}, options(origin, "shop.example.com", "WebHook-Request-Rate", "1e3"), 400, "", "", Handshake{}},
		{"A4.1", "two origins", Options{}, options(origin, "a.example.com", origin, "b.example.com"), 400, "", "", Handshake{}},
		{"A4.1", "two origins in one", Options{}, options(origin, "a.example.com,b.example.com"), 400, "", "", Handshake{}},
		{"A4.1", "an endless origin", Options{}, options(origin, strings.Repeat("a", 256)), 400, "", "", Handshake{}},
		{"A4.1", "two rates", Options{}, options(origin, "a.example.com", "WebHook-Request-Rate", "1", "WebHook-Request-Rate", "2"), 400, "", "", Handshake{}},
		{"A4.3", "two callbacks", Options{}, options(origin, "a.example.com", "WebHook-Request-Callback", "https://a", "WebHook-Request-Callback", "https://b"), 400, "", "", Handshake{}},
	} {
		t.Run(tt.rule+" "+tt.reason, func(t *testing.T) {
			var asked Handshake
			agree := tt.opts.Agree
			tt.opts.Agree = func(q Handshake) bool {
				asked = q
				return agree == nil || agree(q)
			}
			w := serve(newTestHandler(t, &eventfx.Router{}, tt.opts), tt.request)
			if w.Code != tt.status || w.Header().Get("WebHook-Allowed-Origin") != tt.origin || w.Header().Get("WebHook-Allowed-Rate") != tt.rate {
				t.Errorf("status %d, headers %v, want %d, origin %q, rate %q", w.Code, w.Header(), tt.status, tt.origin, tt.rate)
			}
			if w.Header().Get("Allow") != "OPTIONS, POST" || w.Header().Get("Location") != "" {
				t.Errorf("headers %v", w.Header())
			}
			if diff := cmp.Diff(tt.asked, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
	if w := serve(newTestHandler(t, &eventfx.Router{}, Options{}), options(origin, "shop.example.com")); w.Code != 204 {
		t.Errorf("without Agree: status %d", w.Code)
	}
}

func TestMethods(t *testing.T) {
	// Rule A4.4
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "BREW"} {
		r := structuredRequest()
		r.Method = method
		w := serve(newTestHandler(t, &eventfx.Router{}, Options{}), r)
		if w.Code != 405 || w.Header().Get("Allow") != "OPTIONS, POST" {
			t.Errorf("%s: status %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestValidationEvent(t *testing.T) {
	request := samples(t)["azure_validation_event"]
	var asked Handshake
	agree := true
	h := newTestHandler(t, &eventfx.Router{}, Options{Sender: EventGrid, Agree: func(q Handshake) bool {
		asked = q
		return agree
	}})
	w := serve(h, request())
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != `{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}` {
		t.Errorf("status %d, body %s", w.Code, got)
	}
	if asked.Origin != "eventgrid.azure.net" || !strings.HasSuffix(asked.Topic, "/storageAccounts/account") {
		t.Errorf("asked %+v", asked)
	}
	agree = false
	if w := serve(h, request()); w.Code != 403 || strings.Contains(w.Body.String(), "512d38b6") {
		t.Errorf("without agreement: status %d, body %s", w.Code, w.Body)
	}
}

func TestAuthorize(t *testing.T) {
	authorize := func(_ *http.Request, token string) (bool, error) {
		if token == "unknown" {
			return false, errors.New("secret: the key server is down")
		}
		return token == "s3cret", nil
	}
	for _, tt := range []struct {
		reason, header, query string
		status                int
	}{
		{"a bearer token", "Bearer s3cret", "", 204},
		{"in other capitals", "bEARER   s3cret", "", 204},
		{"a header without a scheme", "s3cret", "", 204},
		{"the query", "", "?access_token=s3cret", 204},
		{"the header outdoes the query", "Bearer other", "?access_token=s3cret", 401},
		{"nothing", "", "", 401},
		{"another scheme", "Basic s3cret", "", 401},
		{"it cannot be known", "Bearer unknown", "", 503},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			// Rule A4.6
			rec := record(nil)
			r := structuredRequest()
			r.URL.RawQuery = strings.TrimPrefix(tt.query, "?")
			if tt.header != "" {
				r.Header.Set("Authorization", tt.header)
			}
			w := serve(newTestHandler(t, rec.router, Options{Authorize: authorize}), r)
			if w.Code != tt.status || (len(rec.messages) == 1) != (tt.status == 204) {
				t.Errorf("status %d with %d messages, want %d", w.Code, len(rec.messages), tt.status)
			}
			if w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("headers %v, body %s: challenges are not allowed, and errors not told", w.Header(), w.Body)
			}
		})
	}
}
