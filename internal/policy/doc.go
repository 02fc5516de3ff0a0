// Package policy holds the rules of this repository as tests: who may import
// whom, what a user's program must not link, which requirements the root module
// has, how large the core's surface is, that each promised rule of behaviour
// has a test, and that the code in the documentation compiles.
//
// The rules themselves are the text files beside this one. CONTRIBUTING.md says
// how to change them.
package policy
