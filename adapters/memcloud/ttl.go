package memcloud

import (
	"encoding/json"
	"strconv"
	"time"
)

// expireAt has the item deleted when its time to live is over. Nobody waits
// for that.
func (t *Table) expireAt(id string, item Item) *event {
	text, ok := item[t.ttl].(json.Number)
	if t.ttl == "" || !ok {
		return nil
	}
	seconds, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return nil
	}
	c := t.cloud
	wait := seconds - c.instant().Unix()
	const year = 365 * 24 * 60 * 60
	if wait < -5*year || wait > 200*year { // beyond a Duration: milliseconds, taken for seconds
		return nil
	}
	at := time.Unix(seconds, 0).Sub(c.start)
	return c.at(at, false, func() {
		x := &Tx{table: t, changed: map[string]Item{}, expired: true}
		x.set(id, nil)
		x.commit()
	})
}
