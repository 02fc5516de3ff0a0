package memcloud

import (
	"context"
	"strings"
	"time"
)

// own marks calls of the test itself, which meet no faults.
type ownKey struct{}

var own = context.WithValue(context.Background(), ownKey{}, true)

// runUnlucky executes a call of code under test, to which faults may happen.
// It reports whether the call has its answer; if not, that comes later.
func (c *Cloud) runUnlucky(k *call) (answered bool) {
	resource, verb := k.site()
	changes := verb != "get" && verb != "head" && verb != "list" && verb != "query"
	if changes {
		c.faults.effects++
	}
	inv := k.owner
	if inv == nil && len(c.live) == 1 && k.key != "" {
		// gocloud's topics send in the background, without the caller's
		// context: who else could it be.
		for inv = range c.live {
		}
	}
	if inv != nil && changes && c.fault(CrashBefore, inv.function.name, verb, resource) {
		inv.crash("before " + verb + " " + resource)
		k.err = inv.ignored()
		return true
	}
	if c.fault(CallFails, resource, verb) {
		k.err = &Error{resource, "ServiceUnavailable", "a fault: please reduce your request rate"}
		return true
	}
	if c.fault(CallSlow, resource, verb) {
		wait := []time.Duration{100 * time.Millisecond, time.Second, 2500 * time.Millisecond}[c.pick(3)]
		c.slow[k] = struct{}{}
		c.at(c.now+wait, true, func() {
			if k.owner != nil && k.owner.over {
				k.err = k.owner.ignored()
			} else {
				k.err = k.f()
			}
			delete(c.slow, k)
			close(k.done)
		})
		return false
	}
	if k.err = k.f(); k.err != nil || !changes {
		return true
	}
	if c.fault(CallAnswerLost, resource, verb) {
		k.err = &Error{resource, "RequestTimeout", "a fault: the call took effect, and its answer was lost"}
		return true
	}
	if inv != nil && c.fault(CrashAfter, inv.function.name, verb, resource) {
		inv.crash("after " + verb + " " + resource)
		k.err = inv.ignored()
	}
	return true
}

// releaseSlow answers the calls that are kept waiting, when no event will.
func (c *Cloud) releaseSlow(err error) {
	for k := range c.slow {
		k.err = err
		close(k.done)
	}
	clear(c.slow)
}

// site returns what the call is made to, and what it does there.
func (k *call) site() (resource, verb string) {
	verb, rest, _ := strings.Cut(k.key, "\x00")
	resource, content, _ := strings.Cut(rest, "\x00")
	if verb == "table" {
		if verb, _, _ = strings.Cut(content, "\x00"); verb == "" {
			verb = "transact"
		}
	}
	return resource, verb
}

// crash ends the invocation as the end of its process does.
func (inv *invocation) crash(when string) {
	if inv.over {
		return
	}
	inv.cloud.note(inv.function.name, "crash", inv.entity(), when)
	inv.stop()
	inv.end("crashed", nil, &FunctionError{"Runtime.ExitError", "Error: Runtime exited with error: signal: killed"})
}
