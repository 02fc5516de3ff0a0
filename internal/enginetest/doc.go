// Package enginetest runs one script against two clouds, memcloud and moto, a
// server that plays AWS by its real protocols, and compares what is seen.
//
// Neither is AWS. Where they differ, docs/semantics.md says who is right, and
// a row of a table in differences_test.go says which rule that is. A row for
// what no longer differs fails the test, as does one without a rule.
//
// A script is a function of a [Run]. It makes resources, does something to
// them, and notes what it sees, a line each:
//
//	func visibility(r *Run) {
//		q := r.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * time.Second})
//		r.Send(q, "a")
//		r.See("first receive", r.Receive(q, 10))
//		r.See("while it is hidden", r.Receive(q, 10))
//		r.Sleep(2 * time.Second)
//		r.See("after its time", r.Receive(q, 10))
//	}
//
// It uses gocloud's portable types where they can say it. The rest is a
// method per operation of AWS's, which has the name and the types of
// memcloud's. memcloud runs in a synctest bubble, moto in real time with a
// resolution of a second: times are 1 or 2 seconds, and scripts run side by
// side.
//
// The module is apart from the root's, because it links gocloud's drivers for
// AWS.
package enginetest
