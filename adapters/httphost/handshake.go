package httphost

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

const allowed = "OPTIONS, POST"

// A Handshake is the question of a sender whether it may deliver: CloudEvents'
// webhooks ask by OPTIONS, Event Grid's own schema by a validation event.
//
// Agreement is in the answer, at once. A sender that has a Callback may also be
// told later: return false, and have somebody send a GET or POST to that URL,
// which must be HTTPS, when it is decided. This package never does so itself,
// for anybody can name any URL here.
type Handshake struct {
	// Origin is the name that the sender goes by, such as
	// eventgrid.azure.net. It proves nothing.
	Origin string
	// Rate is how many requests a minute the sender asks for: 0 if it does not
	// say, -1 for no limit.
	Rate int
	// Callback is the URL by which to agree later; "" if there is none.
	Callback string
	// Topic is that of Event Grid, of its own schema only.
	Topic string
}

// eventGridOrigin is the origin of Event Grid's handshakes.
const eventGridOrigin = "eventgrid.azure.net"

// handshake answers OPTIONS. Agreement is in the headers, whatever the status.
func (h *handler) handshake(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", allowed)
	q, text := question(r.Header)
	if text != "" {
		status := http.StatusBadRequest
		if q.Origin == "" {
			status = http.StatusMethodNotAllowed
		}
		h.refuse(w, &problem{status: status, text: text})
		return
	}
	if !h.agrees(q) {
		if q.Callback != "" {
			send(w, http.StatusAccepted, nil)
			return
		}
		h.refuse(w, &problem{status: http.StatusMethodNotAllowed, text: "no agreement"})
		return
	}
	w.Header().Set("WebHook-Allowed-Origin", q.Origin)
	w.Header().Set("WebHook-Allowed-Rate", rate(h.opts.Rate))
	send(w, http.StatusNoContent, nil)
}

func (h *handler) agrees(q Handshake) bool { return h.opts.Agree == nil || h.opts.Agree(q) }

func rate(n int) string {
	if n == 0 {
		return "*"
	}
	return strconv.Itoa(n)
}

// question reads the headers of a handshake, or says what is wrong with them.
func question(header http.Header) (q Handshake, text string) {
	one := func(name string) (string, bool) {
		values := header.Values(name)
		if len(values) == 0 {
			return "", true
		}
		return strings.TrimSpace(values[0]), len(values) == 1
	}
	origin, ok := one("WebHook-Request-Origin")
	switch {
	case origin == "":
		return q, "OPTIONS is for WebHook-Request-Origin alone"
	case !ok || len(origin) > 255 || strings.ContainsFunc(origin, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }):
		return Handshake{Origin: "?"}, "WebHook-Request-Origin names no one origin"
	}
	q.Origin = origin
	asked, ok := one("WebHook-Request-Rate")
	if asked == "*" {
		q.Rate = -1
	} else if asked != "" {
		n, err := strconv.ParseInt(asked, 10, 32)
		if err != nil || n <= 0 {
			return q, "WebHook-Request-Rate is no whole number above 0"
		}
		q.Rate = int(n)
	}
	if !ok {
		return q, "WebHook-Request-Rate is there twice"
	}
	if q.Callback, ok = one("WebHook-Request-Callback"); !ok {
		return q, "WebHook-Request-Callback is there twice"
	}
	return q, ""
}

// validate answers the validation event of Event Grid's own schema.
func (h *handler) validate(w http.ResponseWriter, in *incoming) {
	if !h.agrees(Handshake{Origin: eventGridOrigin, Topic: in.topic}) {
		h.refuse(w, &problem{status: http.StatusForbidden, text: "no agreement"})
		return
	}
	body, err := json.Marshal(map[string]string{"validationResponse": in.validation})
	if err != nil {
		panic(err) // strings can be written
	}
	send(w, http.StatusOK, body)
}
